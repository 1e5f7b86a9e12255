"use strict";
const { setTimeout: sleep } = require("node:timers/promises");
const { AwsClient } = require("aws4fetch");
const config = require("./config");
const log = require("./log");

const { endpoint, bucket, accessKey, secretKey } = config.minio;
const aws = new AwsClient({
  accessKeyId: accessKey, secretAccessKey: secretKey, service: "s3", region: "us-east-1", retries: 0,
});

async function request(path, options) {
  const response = await aws.fetch(`${endpoint}/${path}`, { ...options, signal: AbortSignal.timeout(10_000) });
  const body = await response.arrayBuffer();
  if (response.ok) return Buffer.from(body);
  const error = new Error(`storage answered ${response.status} to ${options.method} ${path}`);
  throw Object.assign(error, { status: response.status });
}

// The store may be restarting: try for about ten seconds before giving up.
async function retried(action) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await action();
    } catch (error) {
      if (attempt === 8 || (error.status >= 400 && error.status < 500)) throw error;
      log.warn("storage not reached, trying again", { attempt, reason: error.message });
      await sleep(Math.min(200 * 2 ** attempt, 2000));
    }
  }
}

async function ensureBucket() {
  try {
    await retried(() => request(bucket, { method: "PUT" }));
  } catch (error) {
    if (error.status !== 409) throw error;
  }
}

module.exports = {
  ensureBucket,
  put: (key, body) => retried(() => request(`${bucket}/${key}`, {
    method: "PUT", body, headers: { "Content-Type": "application/pdf" },
  })),
};
