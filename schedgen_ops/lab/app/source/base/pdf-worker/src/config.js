"use strict";
const { hostname } = require("node:os");

const env = process.env;

module.exports = {
  worker: hostname(),
  database: {
    host: env.DATABASE_HOST ?? "localhost",
    port: Number(env.DATABASE_PORT ?? 5432),
    user: env.DATABASE_USER ?? "schedgen",
    password: env.DATABASE_PASSWORD,
    database: env.DATABASE_NAME ?? "schedgen",
    application_name: "pdf-worker",
    max: 3,
    connectionTimeoutMillis: 5000,
  },
  redisUrl: env.REDIS_URL ?? "redis://localhost:6379",
  minio: {
    endpoint: env.MINIO_ENDPOINT ?? "http://localhost:9000",
    bucket: env.MINIO_BUCKET ?? "schedules",
    accessKey: env.MINIO_ACCESS_KEY,
    secretKey: env.MINIO_SECRET_KEY,
  },
  leaseSeconds: 60,
  maxAttempts: 5,
};
