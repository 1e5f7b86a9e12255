"use strict";
// A line of a schedule: "COS 301  Lecture  Monday  08:30-09:20  IT 4-4". Tests and exams have a date
// in place of the day of the week.
const LINE = new RegExp(
  "^(?<module>[A-Z]{3} ?\\d{3})\\s+(?<activity>\\S.*?)\\s+" +
  "(?<day>(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|\\d{4}-\\d{2}-\\d{2})\\s+" +
  "(?<startTime>\\d{2}:\\d{2})\\s*-\\s*(?<endTime>\\d{2}:\\d{2})\\s+(?<venue>\\S.*)$",
);

/** The events in the lines of a schedule, in their order. */
function eventsOf(lines) {
  return lines.map((line) => LINE.exec(line)).filter(Boolean).map((m) => ({ ...m.groups }));
}

module.exports = { eventsOf };
