"use strict";
// Pointing at a chart shows the values of that moment in its legend.
for (const chart of document.querySelectorAll(".chart")) {
  const svg = chart.querySelector("svg"), cursor = chart.querySelector(".cursor");
  const lines = [...chart.querySelectorAll("[data-points]")].map((item) => ({
    shown: item.querySelector("b"), last: item.querySelector("b").textContent,
    points: item.dataset.points.trim().split(" ").filter(Boolean).map((point) => point.split(":").map(Number)),
  }));
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
    let at = null;
    for (const line of lines) {
      if (!line.points.length) continue;
      const nearest = line.points.reduce((best, point) => Math.abs(point[0] - x) < Math.abs(best[0] - x) ? point : best);
      line.shown.textContent = `${nearest[1]} (${nearest[2]} s)`;
      at ??= nearest[0];
    }
    if (at === null) return;
    cursor.setAttribute("x1", at); cursor.setAttribute("x2", at); cursor.style.visibility = "visible";
  });
  svg.addEventListener("pointerleave", () => {
    cursor.style.visibility = "hidden";
    for (const line of lines) line.shown.textContent = line.last;
  });
}
document.documentElement.dataset.drawn = String(document.querySelectorAll("path.series").length);
