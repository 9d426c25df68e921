// SPDX-License-Identifier: Apache-2.0
//
// The protocol's side: which request is answered by what of the workspace. A file is read again, with what it imports,
// whenever its text changes.

#include "tools/incept/LanguageServer.h"
#include "tools/incept/Driver.h"
#include "tools/incept/Workspace.h"
#include "llvm/Support/LSP/Transport.h"

namespace lsp = llvm::lsp;
namespace json = llvm::json;

namespace incept {

namespace {

/// What the library has no types for.
struct RenameParams {
  lsp::TextDocumentPositionParams at;
  std::string newName;
};
bool fromJSON(const json::Value &value, RenameParams &result, json::Path path) {
  json::ObjectMapper mapper(value, path);
  return mapper && lsp::fromJSON(value, result.at, path) && mapper.map("newName", result.newName);
}

struct FormatParams {
  lsp::TextDocumentIdentifier textDocument;
};
bool fromJSON(const json::Value &value, FormatParams &result, json::Path path) {
  json::ObjectMapper mapper(value, path);
  return mapper && mapper.map("textDocument", result.textDocument);
}

class Server {
public:
  explicit Server(lsp::JSONTransport &transport)
      : handler(transport),
        publish(handler.outgoingNotification<lsp::PublishDiagnosticsParams>("textDocument/publishDiagnostics")) {
    handler.method("initialize", this, &Server::onInitialize);
    handler.method("shutdown", this, &Server::onShutdown);
    handler.notification("initialized", this, &Server::onInitialized);
    handler.notification("textDocument/didOpen", this, &Server::onOpen);
    handler.notification("textDocument/didChange", this, &Server::onChange);
    handler.notification("textDocument/didClose", this, &Server::onClose);
    handler.method("textDocument/hover", this, &Server::onHover);
    handler.method("textDocument/definition", this, &Server::onDefinition);
    handler.method("textDocument/references", this, &Server::onReferences);
    handler.method("textDocument/completion", this, &Server::onCompletion);
    handler.method("textDocument/rename", this, &Server::onRename);
    handler.method("textDocument/documentSymbol", this, &Server::onSymbols);
    handler.method("textDocument/formatting", this, &Server::onFormat);
  }

  lsp::MessageHandler handler;
  bool isShutDown = false;

private:
  struct Document {
    int64_t version = 0;
    std::unique_ptr<Analysis> analysis;
  };

  void onInitialize(const lsp::InitializeParams &, lsp::Callback<json::Value> reply) {
    reply(json::Object{{"serverInfo", json::Object{{"name", "incept"}}},
                       {"capabilities", json::Object{{"textDocumentSync",
                                                      json::Object{{"openClose", true}, {"change", 1}}}, // whole texts
                                                     {"hoverProvider", true},
                                                     {"definitionProvider", true},
                                                     {"referencesProvider", true},
                                                     {"completionProvider", json::Object{}},
                                                     {"renameProvider", true},
                                                     {"documentSymbolProvider", true},
                                                     {"documentFormattingProvider", true}}}});
  }
  void onInitialized(const lsp::InitializedParams &) {}
  void onShutdown(const lsp::NoParams &, lsp::Callback<std::nullptr_t> reply) {
    isShutDown = true;
    reply(nullptr);
  }

  void onOpen(const lsp::DidOpenTextDocumentParams &params) {
    change(params.textDocument.uri, params.textDocument.text, params.textDocument.version);
  }

  void onChange(const lsp::DidChangeTextDocumentParams &params) {
    auto found = edited.find(realPath(params.textDocument.uri.file()));
    if (found == edited.end())
      return;
    std::string text = found->second;
    if (succeeded(lsp::TextDocumentContentChangeEvent::applyTo(params.contentChanges, text)))
      change(params.textDocument.uri, std::move(text), params.textDocument.version);
  }

  void onClose(const lsp::DidCloseTextDocumentParams &params) {
    std::string path = realPath(params.textDocument.uri.file());
    edited.erase(path);
    documents.erase(path);
    publish({params.textDocument.uri, 0});
  }

  void change(const lsp::URIForFile &uri, std::string text, int64_t version) {
    std::string path = realPath(uri.file());
    edited[path] = std::move(text);
    documents[path].version = version;
    // A file that others import has its mistakes where it is used, too.
    std::map<std::string, std::vector<lsp::Diagnostic>> all;
    for (auto &[name, document] : documents) {
      document.analysis = std::make_unique<Analysis>(name, edited);
      for (auto &[file, diagnostics] : document.analysis->diagnostics())
        for (auto &known = all[realPath(file)]; lsp::Diagnostic & diagnostic : diagnostics)
          if (llvm::none_of(known, [&](const lsp::Diagnostic &other) {
                return other.range == diagnostic.range && other.message == diagnostic.message;
              }))
            known.push_back(std::move(diagnostic));
    }
    for (auto &[file, diagnostics] : all) {
      auto place = lsp::URIForFile::fromFile(file);
      if (!place) {
        llvm::consumeError(place.takeError());
        continue;
      }
      auto open = documents.find(file);
      lsp::PublishDiagnosticsParams message(*place, open == documents.end() ? 0 : open->second.version);
      message.diagnostics = std::move(diagnostics);
      publish(message);
    }
  }

  /// The description that is open under a name, or null.
  Analysis *find(const lsp::TextDocumentIdentifier &document) {
    auto found = documents.find(realPath(document.uri.file()));
    return found == documents.end() ? nullptr : found->second.analysis.get();
  }

  void onHover(const lsp::TextDocumentPositionParams &params, lsp::Callback<std::optional<lsp::Hover>> reply) {
    Analysis *analysis = find(params.textDocument);
    reply(analysis ? analysis->hover(params.position) : std::nullopt);
  }
  void onDefinition(const lsp::TextDocumentPositionParams &params, lsp::Callback<std::vector<lsp::Location>> reply) {
    Analysis *analysis = find(params.textDocument);
    reply(analysis ? analysis->definition(params.position) : std::vector<lsp::Location>());
  }
  void onReferences(const lsp::ReferenceParams &params, lsp::Callback<std::vector<lsp::Location>> reply) {
    Analysis *analysis = find(params.textDocument);
    reply(analysis ? analysis->uses(params.position) : std::vector<lsp::Location>());
  }
  void onCompletion(const lsp::CompletionParams &params, lsp::Callback<lsp::CompletionList> reply) {
    Analysis *analysis = find(params.textDocument);
    reply(analysis ? analysis->complete(params.position) : lsp::CompletionList());
  }
  void onRename(const RenameParams &params, lsp::Callback<lsp::WorkspaceEdit> reply) {
    if (Analysis *analysis = find(params.at.textDocument))
      return reply(analysis->rename(params.at.position, params.newName));
    reply(llvm::make_error<lsp::LSPError>("the file is not open", lsp::ErrorCode::InvalidParams));
  }
  void onSymbols(const lsp::DocumentSymbolParams &params, lsp::Callback<std::vector<lsp::DocumentSymbol>> reply) {
    Analysis *analysis = find(params.textDocument);
    reply(analysis ? analysis->outline() : std::vector<lsp::DocumentSymbol>());
  }
  void onFormat(const FormatParams &params, lsp::Callback<std::vector<lsp::TextEdit>> reply) {
    Analysis *analysis = find(params.textDocument);
    reply(analysis ? analysis->format() : std::vector<lsp::TextEdit>());
  }

  lsp::OutgoingNotification<lsp::PublishDiagnosticsParams> publish;
  std::map<std::string, Document> documents; ///< by real path
  std::map<std::string, std::string> edited; ///< their texts
};

} // namespace

int serveEditor() {
  lsp::Logger::setLogLevel(lsp::Logger::Level::Error);
  lsp::JSONTransport transport(stdin, llvm::outs());
  Server server(transport);
  if (llvm::Error error = transport.run(server.handler)) {
    llvm::errs() << "incept: error: the editor's messages ended without 'exit': " << llvm::toString(std::move(error))
                 << "\n";
    return kInputAtFault;
  }
  return server.isShutDown ? kDone : kInputAtFault;
}

} // namespace incept
