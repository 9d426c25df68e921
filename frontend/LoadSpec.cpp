// SPDX-License-Identifier: Apache-2.0

#include "frontend/LoadSpec.h"
#include "frontend/CheckSpec.h"
#include "frontend/JsonReader.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

namespace incept {

namespace {

constexpr size_t kMaxFiles = 256;

class Loader {
public:
  explicit Loader(Diagnostics &diagnostics) : diagnostics(diagnostics) {}

  std::optional<Spec> run(llvm::StringRef path) {
    if (!load(path.str(), nullptr))
      return std::nullopt;
    return std::move(spec);
  }

private:
  struct Open {
    std::string identity;
    std::string path;
    const Name *import;
  };

  void fail(const Name *import, const llvm::Twine &message) {
    if (import)
      diagnostics.error(import->range, message);
    else
      diagnostics.error(message);
  }

  /// Reads one file and, first, what it imports. `import` is where its name stands, null for the network's own file.
  bool load(std::string path, const Name *import) {
    llvm::sys::fs::file_status status;
    if (auto error = llvm::sys::fs::status(path, status)) {
      fail(import, "cannot read '" + path + "': " + error.message());
      return false;
    }
    if (status.type() != llvm::sys::fs::file_type::regular_file) { // a device or pipe might never end
      fail(import, "cannot read '" + path + "': not a regular file");
      return false;
    }
    llvm::sys::fs::UniqueID id = status.getUniqueID();
    std::string identity = std::to_string(id.getDevice()) + ":" + std::to_string(id.getFile());
    if (reportCycle(identity, import))
      return false;
    if (!loaded.insert(identity).second)
      return true;
    if (loaded.size() > kMaxFiles) {
      fail(import, "expected at most " + llvm::Twine(kMaxFiles) + " files");
      return false;
    }
    // Volatile: read, not mapped, since a mapped file that is cut meanwhile ends the process.
    auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/true,
                                              /*IsVolatile=*/true);
    if (!buffer) {
      fail(import, "cannot read '" + path + "': " + buffer.getError().message());
      return false;
    }
    auto file = readJsonSpec(diagnostics.files.add(path, std::move(*buffer)), diagnostics);
    if (!file)
      return false;
    open.push_back({identity, path, import});
    for (const Name &name : file->imports) {
      llvm::SmallString<128> target(llvm::sys::path::parent_path(path));
      llvm::sys::path::append(target, name.text);
      if (llvm::sys::path::is_absolute(name.text))
        target = name.text;
      if (name.text.empty() || name.text.find('\0') != std::string::npos)
        diagnostics.error(name.range, "expected a path");
      else if (load(target.str().str(), &name))
        continue;
      spec.complete = false;
    }
    open.pop_back();
    merge(std::move(file->spec), import == nullptr);
    return true;
  }

  bool reportCycle(const std::string &identity, const Name *import) {
    for (size_t first = 0; first < open.size(); ++first) {
      if (open[first].identity != identity)
        continue;
      diagnostics.error(import->range, "import cycle: '" + open[first].path + "' imports itself");
      for (size_t i = first + 1; i < open.size(); ++i)
        diagnostics.note(open[i].import->range, "by way of '" + open[i].path + "', imported here");
      return true;
    }
    return false;
  }

  void merge(Spec part, bool main) {
    for (auto &[name, block] : part.blocks) {
      SourceRange range = block.name.range;
      auto [found, inserted] = spec.blocks.emplace(name, std::move(block));
      if (!inserted)
        reportDuplicate("block", name, range, found->second.name.range);
    }
    for (auto &[name, table] : part.tables) {
      SourceRange range = table.name.range;
      auto [found, inserted] = spec.tables.emplace(name, std::move(table));
      if (!inserted)
        reportDuplicate("table", name, range, found->second.name.range);
    }
    for (Defaults &defaults : part.defaults)
      spec.defaults.push_back(std::move(defaults));
    if (!main)
      return; // of an imported network only the definitions count
    spec.network = std::move(part.network);
    spec.parameters = std::move(part.parameters);
    spec.input = std::move(part.input);
    spec.training = std::move(part.training);
    spec.ops = std::move(part.ops);
  }

  void reportDuplicate(llvm::StringRef what, llvm::StringRef name, SourceRange range, SourceRange first) {
    diagnostics.error(range, what + " '" + name + "' is already defined");
    diagnostics.note(first, "first defined here");
  }

  Diagnostics &diagnostics;
  Spec spec;
  std::vector<Open> open;
  std::set<std::string> loaded;
};

} // namespace

std::optional<Spec> loadSpec(llvm::StringRef path, Diagnostics &diagnostics) {
  auto spec = Loader(diagnostics).run(path);
  if (spec)
    checkSpec(*spec, diagnostics);
  return spec;
}

} // namespace incept
