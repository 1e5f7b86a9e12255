"use strict";
const busboy = require("busboy");
const config = require("./config");

const PDF_TYPES = ["WEEKLY", "TEST", "EXAM"];

class BadUpload extends Error {}

function readForm(req) {
  return new Promise((resolve, reject) => {
    let parser;
    try {
      parser = busboy({ headers: req.headers, limits: { files: 1, fileSize: config.maxUploadBytes, fields: 10 } });
    } catch {
      reject(new BadUpload("send multipart/form-data with the fields file and pdfType"));
      return;
    }
    const form = { fields: {}, file: null };
    parser.on("field", (name, value) => { form.fields[name] = value; });
    parser.on("file", (name, stream, info) => {
      const chunks = [];
      stream.on("data", (chunk) => chunks.push(chunk));
      stream.on("close", () => {
        if (name === "file") {
          form.file = { name: info.filename, data: Buffer.concat(chunks), truncated: stream.truncated };
        }
      });
    });
    parser.on("close", () => resolve(form));
    parser.on("error", (error) => reject(new BadUpload(`the form cannot be read: ${error.message}`)));
    req.on("aborted", () => reject(new BadUpload("the upload was cut short")));
    req.pipe(parser);
  });
}

/** The file and type of an upload; throws BadUpload with a message for the user. */
async function readUpload(req) {
  const { fields, file } = await readForm(req);
  if (!file) throw new BadUpload("the field file is missing");
  if (file.truncated) throw new BadUpload(`the file is larger than ${config.maxUploadBytes / 1024 / 1024} MB`);
  if (!file.data.subarray(0, 1024).includes("%PDF-")) throw new BadUpload("the file is not a PDF");
  if (!PDF_TYPES.includes(fields.pdfType)) {
    throw new BadUpload(`pdfType must be one of ${PDF_TYPES.join(", ")}`);
  }
  return { pdfType: fields.pdfType, fileName: file.name || "schedule.pdf", data: file.data };
}

module.exports = { readUpload, BadUpload };
