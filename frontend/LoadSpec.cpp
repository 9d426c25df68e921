// SPDX-License-Identifier: Apache-2.0

#include "frontend/LoadSpec.h"
#include "frontend/CheckSpec.h"
#include "frontend/JsonReader.h"
#include "frontend/TextReader.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

namespace incept {

namespace {

constexpr size_t kMaxFiles = 256;

void report(const Name *import, const llvm::Twine &message, Diagnostics &diagnostics) {
  if (import)
    diagnostics.error(import->range, message);
  else
    diagnostics.error(message);
}

class Loader {
public:
  Loader(const LoadPaths &paths, Diagnostics &diagnostics) : paths(paths), diagnostics(diagnostics) {}

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

  void fail(const Name *import, const llvm::Twine &message) { report(import, message, diagnostics); }

  /// Reads one file and, first, what it imports. `import` is where its name stands, null for the network's own file.
  bool load(std::string path, const Name *import) {
    llvm::sys::fs::file_status status;
    if (auto error = llvm::sys::fs::status(path, status)) {
      fail(import, "cannot read '" + path + "': " + error.message());
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
    auto number = openSpecFile(path, import, diagnostics);
    auto file = number ? readSpecFile(*number, diagnostics) : std::nullopt;
    if (!file)
      return false;
    open.push_back({identity, path, import});
    for (const Name &name : file->imports) {
      if (name.text.empty() || name.text.find('\0') != std::string::npos)
        diagnostics.error(name.range, "expected a path");
      else if (load(locate(name.text, path), &name))
        continue;
      spec.complete = false;
    }
    open.pop_back();
    merge(std::move(*file), import);
    return true;
  }

  /// The path of an import: beside the importing file, else in the folders of the search path, else the former.
  std::string locate(llvm::StringRef name, llvm::StringRef importing) {
    if (llvm::sys::path::is_absolute(name))
      return name.str();
    llvm::SmallString<128> beside(llvm::sys::path::parent_path(importing));
    llvm::sys::path::append(beside, name);
    if (llvm::sys::fs::exists(beside))
      return beside.str().str();
    for (const std::string &folder : paths.imports) {
      llvm::SmallString<128> target(folder);
      llvm::sys::path::append(target, name);
      if (llvm::sys::fs::exists(target))
        return target.str().str();
    }
    return beside.str().str();
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

  void merge(SpecFile part, const Name *import) {
    for (BlockDef &block : part.blocks) {
      Name name = block.name;
      auto [found, inserted] = spec.blocks.emplace(name.text, std::move(block));
      if (!inserted)
        reportDuplicate("block", name.text, name.range, found->second.name.range);
    }
    for (Table &table : part.tables) {
      Name name = table.name;
      auto [found, inserted] = spec.tables.emplace(name.text, std::move(table));
      if (!inserted)
        reportDuplicate("table", name.text, name.range, found->second.name.range);
    }
    for (Defaults &defaults : part.defaults)
      spec.defaults.push_back(std::move(defaults));
    if (!import) // of an imported network only the definitions count
      takeNetwork(std::move(part.networks));
  }

  void takeNetwork(std::vector<NetworkDef> networks) {
    NetworkDef *chosen = nullptr;
    std::vector<std::string> names;
    for (NetworkDef &network : networks) {
      names.push_back(network.name.text);
      if (paths.network.empty() ? networks.size() == 1 : network.name.text == paths.network)
        chosen = &network;
    }
    if (!chosen && !paths.network.empty())
      diagnostics.error("unknown network '" + paths.network + "'" + suggestion(paths.network, names));
    else if (!chosen && networks.size() > 1)
      diagnostics.error(networks[1].name.range, "expected one network, but the file has " + llvm::join(names, ", ") +
                                                    "; choose with --network=NAME");
    if (!chosen) {
      spec.complete &= networks.empty();
      return;
    }
    spec.hasNetwork = true;
    spec.network = std::move(chosen->name);
    spec.parameters = std::move(chosen->parameters);
    spec.input = std::move(chosen->input);
    spec.training = std::move(chosen->training);
    spec.ops = std::move(chosen->ops);
    for (Defaults &defaults : chosen->defaults)
      spec.defaults.push_back(std::move(defaults));
  }

  void reportDuplicate(llvm::StringRef what, llvm::StringRef name, SourceRange range, SourceRange first) {
    diagnostics.error(range, what + " '" + name + "' is already defined");
    diagnostics.note(first, "first defined here");
  }

  const LoadPaths &paths;
  Diagnostics &diagnostics;
  Spec spec;
  std::vector<Open> open;
  std::set<std::string> loaded;
};

} // namespace

std::optional<uint32_t> openSpecFile(const std::string &path, const Name *import, Diagnostics &diagnostics) {
  llvm::SmallString<128> real;
  if (!diagnostics.files.edited.empty() && !llvm::sys::fs::real_path(path, real))
    if (auto found = diagnostics.files.edited.find(real.str().str()); found != diagnostics.files.edited.end())
      return diagnostics.files.add(path, llvm::MemoryBuffer::getMemBufferCopy(found->second, path));
  llvm::sys::fs::file_status status;
  if (auto error = llvm::sys::fs::status(path, status)) {
    report(import, "cannot read '" + path + "': " + error.message(), diagnostics);
    return std::nullopt;
  }
  if (status.type() != llvm::sys::fs::file_type::regular_file) { // a device or pipe might never end
    report(import, "cannot read '" + path + "': not a regular file", diagnostics);
    return std::nullopt;
  }
  // Volatile: read, not mapped, since a mapped file that is cut meanwhile ends the process.
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/true,
                                            /*IsVolatile=*/true);
  if (buffer)
    return diagnostics.files.add(path, std::move(*buffer));
  report(import, "cannot read '" + path + "': " + buffer.getError().message(), diagnostics);
  return std::nullopt;
}

std::optional<SpecFile> readSpecFile(uint32_t number, Diagnostics &diagnostics) {
  llvm::StringRef name = diagnostics.files.name(number), text = diagnostics.files.text(number).ltrim();
  bool json = !name.ends_with(".incept") && (name.ends_with(".json") || text.starts_with("{") || text.starts_with("["));
  return json ? readJsonSpec(number, diagnostics) : readTextSpec(number, diagnostics);
}

std::optional<Spec> loadSpec(llvm::StringRef path, const LoadPaths &paths, Diagnostics &diagnostics) {
  auto spec = Loader(paths, diagnostics).run(path);
  if (spec)
    checkSpec(*spec, diagnostics);
  return spec;
}

} // namespace incept
