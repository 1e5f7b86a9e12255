"use strict";
// One line per event on stdout: time, level, message, then key=value pairs.

function value(v) {
  const text = String(v);
  return /[\s"=]/.test(text) ? JSON.stringify(text) : text;
}

function write(level, message, fields = {}) {
  const pairs = Object.entries(fields).map(([key, v]) => ` ${key}=${value(v)}`);
  process.stdout.write(`${new Date().toISOString()} ${level} ${message}${pairs.join("")}\n`);
}

module.exports = {
  info: (message, fields) => write("INFO", message, fields),
  warn: (message, fields) => write("WARN", message, fields),
  error: (message, fields) => write("ERROR", message, fields),
};
