"use strict";
// Text of a PDF, line by line: content streams are found, inflated where needed, and their text
// operators read. Enough for schedules printed with standard fonts.
const zlib = require("node:zlib");

function streams(data) {
  const text = data.toString("latin1");
  const found = [];
  const start = /<<((?:(?!endobj)[\s\S])*?)>>\s*stream\r?\n/g;
  for (let m = start.exec(text); m; m = start.exec(text)) {
    const from = m.index + m[0].length;
    const end = text.indexOf("endstream", from);
    if (end < 0) break;
    found.push({ dictionary: m[1], bytes: data.subarray(from, end) });
    start.lastIndex = end;
  }
  return found;
}

function content({ dictionary, bytes }) {
  if (!dictionary.includes("/Filter")) return bytes.toString("latin1");
  if (!dictionary.includes("/FlateDecode")) return "";
  try {
    return zlib.inflateSync(bytes, { finishFlush: zlib.constants.Z_SYNC_FLUSH }).toString("latin1");
  } catch {
    return "";
  }
}

const ESCAPES = { n: "\n", r: "\r", t: "\t", b: "\b", f: "\f" };

function literal(token) {
  return token.slice(1, -1).replace(/\\([0-7]{1,3}|\r?\n|.)/g, (_, code) => {
    if (/^[0-7]/.test(code)) return String.fromCharCode(parseInt(code, 8));
    if (/^\r?\n$/.test(code)) return "";
    return ESCAPES[code] ?? code;
  });
}

const hex = (token) => Buffer.from(token.slice(1, -1).replace(/\s/g, ""), "hex").toString("latin1");
const string = (token) => (token[0] === "(" ? literal(token) : hex(token));

const TOKEN = /\((?:\\[\s\S]|[^\\()])*\)|<[0-9A-Fa-f\s]*>|\[|\]|[^\s()<>[\]]+/g;
const NUMBER = /^[-+]?[\d.]+$/;
// In an array of TJ, a gap wider than this (in thousandths of the font size) is a space.
const WORD_GAP = -200;

function linesOf(stream) {
  const lines = [];
  let line = "";
  let operands = [];
  const flush = () => {
    if (line.trim()) lines.push(line.trim());
    line = "";
  };
  const show = () => {
    for (const operand of operands) {
      if (operand[0] === "(" || operand[0] === "<") line += string(operand);
      else if (NUMBER.test(operand) && Number(operand) < WORD_GAP) line += " ";
    }
  };
  for (const [token] of stream.matchAll(TOKEN)) {
    if (token[0] === "(" || token[0] === "<" || NUMBER.test(token)) {
      operands.push(token);
      continue;
    }
    if (token === "[" || token === "]") continue;
    if (["Td", "TD", "Tm", "T*", "'", '"', "ET"].includes(token)) flush();
    if (["Tj", "TJ", "'", '"'].includes(token)) show();
    operands = [];
  }
  flush();
  return lines;
}

/** @returns {{pages: number, lines: string[]}} throws when the data is not a PDF. */
function readPdf(data) {
  if (!data.subarray(0, 1024).includes("%PDF-")) throw new Error("not a PDF");
  const contents = streams(data).map(content);
  const everything = [data.toString("latin1"), ...contents].join("\n");
  const pages = (everything.match(/\/Type\s*\/Page(?![A-Za-z])/g) ?? []).length;
  return { pages, lines: contents.filter((text) => /\bBT\b/.test(text)).flatMap(linesOf) };
}

module.exports = { readPdf };
