# SPDX-License-Identifier: Apache-2.0
"""A cubin made by hand, without code: cubin({"kernel": registers}) is what ptxas writes, as far as the simulator reads."""
import struct


def cubin(registers):
    symbols = "\0" + "".join(name + "\0" for name in registers)
    table, usage = bytes(24), b""
    for index, (name, count) in enumerate(registers.items(), 1):
        table += struct.pack("<IBBHQQ", symbols.index("\0" + name + "\0") + 1, 18, 0, 0, 0, 0)
        usage += struct.pack("<BBHII", 4, 0x2f, 8, index, count)
    # name, type, bytes, section that it refers to
    sections = [("", 0, b"", 0), (".strtab", 3, symbols.encode(), 0), (".symtab", 2, table, 1), (".nv.info", 0x70000000, usage, 2)]
    sections += [(".text." + name, 1, b"code", 0) for name in registers]
    sections.append((".shstrtab", 3, b"".join(section[0].encode() + b"\0" for section in sections) + b".shstrtab\0", 0))
    body, headers, name_at = b"", b"", 0
    for name, kind, content, link in sections:
        headers += struct.pack("<IIQQQQIIQQ", name_at, kind, 0, 0, 64 + len(body), len(content), link, 0, 1, 0)
        body += content
        name_at += len(name) + 1
    header = b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 190, 1, 0, 0, 64 + len(body), 0, 64, 0, 0, 64,
                                                        len(sections), len(sections) - 1)
    return header + body + headers
