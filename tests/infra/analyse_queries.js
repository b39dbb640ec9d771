// Microsoft's Kusto analyser, asked about queries over several tables: one process for all of them.
//
//   node analyse_queries.js FOLDER        FOLDER is that of the npm package @kusto/language-service-next
//
// in:   {"tables": {NAME: {COLUMN: TYPE}}, "queries": [KQL]}
// out:  [{"errors": ["KS142 at 17: ..."], "columns": {NAME: TYPE}}], in the order asked
"use strict";

const fs = require("fs");
const path = require("path");

const folder = process.argv[2];
require(path.join(folder, "bridge.min.js"));
require(path.join(folder, "Kusto.Language.Bridge.min.js"));

const { GlobalState, KustoCode, Symbols } = globalThis.Kusto.Language;
const list = (sequence) => (sequence ? globalThis.Bridge.toArray(sequence) : []);
const type = (name) => Symbols.ScalarTypes.GetSymbol(name) || Symbols.ScalarTypes.Unknown;
const column = ([name, kind]) => new Symbols.ColumnSymbol(name, type(kind));

const asked = JSON.parse(fs.readFileSync(0, "utf8"));
const tables = Object.entries(asked.tables).map(
  ([name, columns]) => new Symbols.TableSymbol.$ctor4(name, Object.entries(columns).map(column)),
);
const workspace = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.ctor("workspace", tables));

function answer(text) {
  const code = KustoCode.ParseAndAnalyze(text, workspace);
  const errors = list(code.GetDiagnostics()).filter((found) => found.Severity === "Error");
  const result = code.ResultType && code.ResultType.Columns;
  return {
    errors: errors.map((found) => `${found.Code} at ${found.Start}: ${found.Message}`),
    columns: Object.fromEntries(list(result).map((found) => [found.Name, found.Type.Name])),
  };
}

process.stdout.write(JSON.stringify(asked.queries.map(answer)));
