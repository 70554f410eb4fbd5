// Swaps each still power chart for one with a pointer and zoom. The page is complete without it.
(function () {
  "use strict";
  if (typeof uPlot === "undefined") { return; }

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  }

  function watts(value) {
    var steps = [[1e6, "MW"], [1e3, "kW"], [1, "W"], [1e-3, "mW"]];
    var step = steps.find(function (s) { return Math.abs(value) >= s[0] * 0.9995; }) || steps[3];
    return value === 0 ? "0 W" : Number((value / step[0]).toPrecision(3)) + " " + step[1];
  }

  function clock(seconds) {
    if (seconds < 0.1) { return Number((1000 * seconds).toPrecision(3)) + " ms"; }
    if (seconds < 120) { return Number(seconds.toFixed(2)) + " s"; }
    var s = Math.round(seconds), h = Math.floor(s / 3600), m = Math.floor(s % 3600 / 60);
    var two = function (n) { return String(n).padStart(2, "0"); };
    return (h ? h + ":" + two(m) : m) + ":" + two(s % 60);
  }

  function box(u, t0, t1) {
    var left = Math.max(u.bbox.left, u.valToPos(t0, "x", true));
    var right = Math.min(u.bbox.left + u.bbox.width, u.valToPos(t1, "x", true));
    return right > left ? [left, right - left] : null;
  }

  function drawBands(u, data) {
    u.ctx.save();
    u.ctx.font = 12 * devicePixelRatio + "px system-ui, sans-serif";
    data.bands.forEach(function (band, i) {
      var x = box(u, band.t0, band.t1);
      if (!x) { return; }
      u.ctx.fillStyle = colour("band" + i % 2);
      u.ctx.fillRect(x[0], 0, x[1], u.bbox.top + u.bbox.height);
      u.ctx.fillStyle = colour("muted");
      u.ctx.fillRect(Math.round(x[0]), 0, 1, u.bbox.top + u.bbox.height);
      u.ctx.fillStyle = colour("ink");
      if (u.ctx.measureText(band.name).width + 10 < x[1]) {
        u.ctx.fillText(band.name, x[0] + 6 * devicePixelRatio, 15 * devicePixelRatio);
      }
    });
    u.ctx.restore();
  }

  function drawAreas(u, data) {
    var floor = new Array(data.t.length - 1).fill(0);
    u.ctx.save();
    u.ctx.beginPath();
    u.ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
    u.ctx.clip();
    data.series.forEach(function (series) {
      u.ctx.fillStyle = colour("c-" + series.colour);
      series.watts.forEach(function (w, i) {
        if (w === null) { return; }
        var x0 = Math.round(u.valToPos(data.t[i], "x", true));
        var x1 = Math.round(u.valToPos(data.t[i + 1], "x", true));
        var y0 = u.valToPos(floor[i], "y", true), y1 = u.valToPos(floor[i] + w, "y", true);
        u.ctx.fillRect(x0, y1, x1 - x0, y0 - y1);
        floor[i] += w;
      });
    });
    u.ctx.restore();
  }

  function drawGaps(u, data) {
    data.gaps.forEach(function (gap) {
      var x = box(u, gap.t0, gap.t1), step = 7 * devicePixelRatio;
      if (!x) { return; }
      u.ctx.save();
      u.ctx.beginPath();
      u.ctx.rect(x[0], u.bbox.top, Math.max(2, x[1]), u.bbox.height);
      u.ctx.clip();
      u.ctx.fillStyle = colour("gap");
      u.ctx.fillRect(x[0], u.bbox.top, x[1], u.bbox.height);
      u.ctx.strokeStyle = colour("hatch");
      u.ctx.lineWidth = 1.4 * devicePixelRatio;
      u.ctx.beginPath();
      for (var at = -u.bbox.height; at < x[1] + step; at += step) {
        u.ctx.moveTo(x[0] + at, u.bbox.top + u.bbox.height);
        u.ctx.lineTo(x[0] + at + u.bbox.height, u.bbox.top);
      }
      u.ctx.stroke();
      u.ctx.restore();
    });
  }

  function options(data, width) {
    var start = data.t[0], end = data.t[data.t.length - 1];
    var first = (data.t[0] + data.t[1]) / 2, last = (end + data.t[data.t.length - 2]) / 2;
    var axis = function (extra) {
      return Object.assign({
        stroke: function () { return colour("muted"); },
        grid: { stroke: function () { return colour("line"); }, width: 1 },
        ticks: { show: false }, font: "12px system-ui, sans-serif"
      }, extra);
    };
    var shown = function (u, value, index, at) {
      return at === null || at === undefined ? "–" : value === null || value === undefined ? "not seen" : watts(value);
    };
    return {
      width: width, height: width < 600 ? 260 : 330, padding: [22, 26, 0, 0],
      cursor: { y: false, points: { show: false }, drag: { x: true, y: false } },
      legend: { live: true },
      scales: {
        x: { time: false, range: function (u, min, max) { return min <= first && max >= last ? [start, end] : [min, max]; } },
        y: { range: [0, data.top] }
      },
      axes: [
        axis({ values: function (u, ticks) { return ticks.map(clock); } }),
        axis({ size: 62, values: function (u, ticks) { return ticks.map(watts); } })
      ],
      series: [{ label: "Time", value: function (u, v) { return v === null || v === undefined ? "–" : clock(v); } }].concat(
        data.series.map(function (series) {
          return {
            label: series.name, value: shown, paths: function () { return null; }, points: { show: false },
            stroke: function () { return colour("c-" + series.colour); }, fill: function () { return colour("c-" + series.colour); }
          };
        })),
      hooks: {
        drawClear: [function (u) { drawBands(u, data); }],
        draw: [function (u) { drawAreas(u, data); drawGaps(u, data); }]
      }
    };
  }

  Array.prototype.forEach.call(document.querySelectorAll("[data-power]"), function (host) {
    var data = JSON.parse(document.getElementById(host.getAttribute("data-power")).textContent);
    var middles = data.t.slice(1).map(function (t, i) { return (t + data.t[i]) / 2; });
    var rows = [middles].concat(data.series.map(function (s) { return s.watts; }));
    host.classList.add("live");
    var plot = new uPlot(options(data, host.clientWidth), rows, host);
    var resize = function () { plot.setSize({ width: host.clientWidth, height: host.clientWidth < 600 ? 260 : 330 }); };
    if (typeof ResizeObserver !== "undefined") { new ResizeObserver(resize).observe(host); }
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", function () { plot.redraw(false, true); });
  });
})();
