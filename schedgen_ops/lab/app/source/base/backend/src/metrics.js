"use strict";
// Prometheus text format, by hand: two families for HTTP and a few gauges of the process.
const version = require("./version");

const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const requests = new Map();
const durations = new Map();

function observe(method, route, status, seconds) {
  const key = `method="${method}",route="${route}",status="${status}"`;
  requests.set(key, (requests.get(key) ?? 0) + 1);

  const series = `method="${method}",route="${route}"`;
  const histogram = durations.get(series) ?? { counts: BUCKETS.map(() => 0), sum: 0, count: 0 };
  BUCKETS.forEach((limit, i) => {
    if (seconds <= limit) histogram.counts[i] += 1;
  });
  histogram.sum += seconds;
  histogram.count += 1;
  durations.set(series, histogram);
}

function family(name, type, help, lines) {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines].join("\n");
}

function histogramLines(name) {
  return [...durations].flatMap(([series, { counts, sum, count }]) => [
    ...BUCKETS.map((limit, i) => `${name}_bucket{${series},le="${limit}"} ${counts[i]}`),
    `${name}_bucket{${series},le="+Inf"} ${count}`,
    `${name}_sum{${series}} ${sum.toFixed(6)}`,
    `${name}_count{${series}} ${count}`,
  ]);
}

function gauge(name, help, value) {
  return family(name, "gauge", help, [`${name} ${value}`]);
}

function render(queueDepth) {
  const memory = process.memoryUsage();
  const cpu = process.cpuUsage();
  return [
    family("http_requests_total", "counter", "HTTP requests answered.",
      [...requests].map(([key, count]) => `http_requests_total{${key}} ${count}`)),
    family("http_request_duration_seconds", "histogram", "Time to answer a request.",
      histogramLines("http_request_duration_seconds")),
    gauge("process_resident_memory_bytes", "Resident memory.", memory.rss),
    gauge("nodejs_heap_size_used_bytes", "Heap in use.", memory.heapUsed),
    gauge("nodejs_external_memory_bytes", "Memory of buffers.", memory.external),
    family("process_cpu_seconds_total", "counter", "CPU time used.",
      [`process_cpu_seconds_total ${(cpu.user + cpu.system) / 1e6}`]),
    gauge("process_start_time_seconds", "Start of the process.", (Date.now() / 1000 - process.uptime()).toFixed(3)),
    family("queue_jobs", "gauge", "Jobs in the queue.",
      Object.entries(queueDepth).map(([state, count]) => `queue_jobs{state="${state}"} ${count}`)),
    family("app_info", "gauge", "The running version.", [`app_info{version="${version}"} 1`]),
  ].join("\n") + "\n";
}

module.exports = { observe, render };
