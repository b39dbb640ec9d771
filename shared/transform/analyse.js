// Microsoft's Kusto analyser, asked about the transforms of a routes file: one process for all of them.
//
//   node analyse.js FOLDER        FOLDER is that of the npm package @kusto/language-service-next
//
// in:   {"transforms": [{"text": KQL, "columns": {NAME: TYPE}}], "functions": {NAME: {"takes": [TYPE], "gives": TYPE}}}
// out:  [{"findings": [{"start", "end", "code", "message"}], "columns": {NAME: TYPE} or null}], in the order asked;
//       null for a transform that the analyser itself breaks down on (countof("a", "b", 1h) is one)
//
// start and end count characters (code points) into the text, as Python does. Only errors are told: hints such as
// "obsolete" are about queries, and a rule wants some of the old spellings.
"use strict";

const fs = require("fs");
const path = require("path");

const folder = process.argv[2];
require(path.join(folder, "bridge.min.js"));
require(path.join(folder, "Kusto.Language.Bridge.min.js"));

const { GlobalState, KustoCode, Symbols } = globalThis.Kusto.Language;
const list = (sequence) => (sequence ? globalThis.Bridge.toArray(sequence) : []);
const type = (name) => Symbols.ScalarTypes.GetSymbol(name) || Symbols.ScalarTypes.Unknown;

function table(columns) {
  const symbols = Object.entries(columns).map(([name, kind]) => new Symbols.ColumnSymbol(name, type(kind)));
  return new Symbols.TableSymbol.$ctor4("source", symbols);
}

function functions(declared) {
  return Object.entries(declared).map(([name, { takes, gives }]) => {
    const parameters = takes.map((kind, index) => new Symbols.Parameter.$ctor2(`value${index}`, type(kind)));
    return new Symbols.FunctionSymbol.$ctor5(name, type(gives), parameters);
  });
}

function analyse({ text, columns }, declared) {
  const database = new Symbols.DatabaseSymbol.ctor("transform", [table(columns), ...declared]);
  const code = KustoCode.ParseAndAnalyze(text, GlobalState.Default.WithDatabase(database));
  const at = (index) => Array.from(text.slice(0, index)).length;
  const findings = list(code.GetDiagnostics())
    .filter((found) => found.Severity === "Error")
    .map((found) => ({
      start: at(found.Start),
      end: at(found.Start + found.Length),
      code: found.Code,
      message: found.Message,
    }));
  const result = code.ResultType && code.ResultType.Columns;
  const named = result ? Object.fromEntries(list(result).map((column) => [column.Name, column.Type.Name])) : null;
  return { findings, columns: named };
}

function answer(one, declared) {
  try {
    return analyse(one, declared);
  } catch {
    return null;
  }
}

const asked = JSON.parse(fs.readFileSync(0, "utf8"));
const declared = functions(asked.functions);
process.stdout.write(JSON.stringify(asked.transforms.map((one) => answer(one, declared))));
