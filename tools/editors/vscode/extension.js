// SPDX-License-Identifier: Apache-2.0
//
// Starts `incept lsp` for the files of the text form.
const {workspace} = require('vscode');
const {LanguageClient} = require('vscode-languageclient/node');

let client;

exports.activate = () => {
  const command = workspace.getConfiguration('incept').get('path');
  client = new LanguageClient('incept', 'incept', {command, args: ['lsp']}, {documentSelector: [{language: 'incept'}]});
  return client.start();
};
exports.deactivate = () => client && client.stop();
