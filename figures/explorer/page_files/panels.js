// Panels: one plot on the page, made from its template, filled by its draw function when it is seen.
(function (explorer) {
  const { Float32NDArray } = Bokeh.require("core/util/ndarray");
  const COLORS = ["#3f90da", "#ffa90e", "#bd1f01", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd", "#94a4a2"];
  let made = 0;
  Bokeh.set_log_level("warn");

  // Bokeh asks the browser for each colour and font at every repaint, in case a style sheet has it; none here has,
  // and without the question a frame takes half of the time.
  const visuals = Bokeh.require("core/visuals/visual").VisualProperties?.prototype;
  if (visuals?._get_css_value) visuals._get_css_value = () => "";

  // Return the colour of the n-th of several frequencies.
  explorer.colorAt = (n) => (n < 0 ? "#8a8f98" : COLORS[n % COLORS.length]);

  function typed(column) {
    if (!Array.isArray(column) || !column.length) return column;
    if (typeof column[0] === "number") return Float64Array.from(column);
    return Array.isArray(column[0]) ? column.map((line) => Float64Array.from(line)) : column;
  }

  function pageColors(...names) {
    const style = getComputedStyle(document.documentElement);
    return names.map((name) => style.getPropertyValue(name).trim());
  }

  function papers() {
    const [paper] = pageColors("--paper");
    return { background_fill_color: paper, border_fill_color: paper };
  }

  class Panel {
    constructor(view, kind, network, parent) {
      Object.assign(this, { view, kind, network, isDirty: true, isSeen: false, drawnAt: -1 });
      this.name = `${view.name}-${kind}${network ? `-${network.id}` : ""}`;
      this.element = document.createElement("figure");
      this.element.className = "panel";
      this.element.dataset.panel = this.name;
      this.place = document.createElement("div");
      this.place.id = `plot-${made++}`;
      this.place.className = "plot";
      this.caption = document.createElement("figcaption");
      this.element.append(this.place, this.caption);
      parent.append(this.element);
    }

    // Keep the room that the plot will need, so that nothing jumps when it is made.
    reserve(template) {
      const { height, aspect_ratio } = template.doc.roots[0].attributes;
      const wanted = aspect_ratio ? Math.min(height, this.element.clientWidth / aspect_ratio) : height;
      this.place.style.minHeight = `${wanted}px`;
    }

    // Make the plot; its models get ids of their own, since a template serves many panels.
    async build(template) {
      const own = JSON.stringify(template).replace(/"(p\d+)"/g, `"${this.place.id}-$1"`);
      const item = { ...JSON.parse(own), target_id: this.place.id };
      Object.assign(item.doc.roots[0].attributes, papers());  // from the first painting on: edges keep what they had
      const views = await Bokeh.embed.embed_item(item);
      this.place.style.minHeight = "";  // the column may be narrower than when its room was kept
      this.plotView = [...views][0];
      this.plot = this.plotView.model;
      this.plot.tags = [this.name];
      Object.defineProperty(this.plotView, "base_font_size", { value: this.plotView.base_font_size });  // asked once
      this.models = new Map();
      for (const model of this.plot.references()) if (model.name) this.models.set(model.name, model);
      this.paint();
    }

    // Replace the columns of a source. Numbers go as typed arrays, which Bokeh does not search for models.
    set(name, data) {
      this.models.get(name).data = Object.fromEntries(Object.entries(data).map(([key, column]) => [key, typed(column)]));
    }

    // Show a matrix (rows × columns) as the plot's image, its first row on top; low and high bound the colours.
    setImage(values, rows, columns, low, high) {
      this.setImages([values], rows, columns, low, high);
      this.setRange(0, columns, rows, 0);
    }

    // Show matrices side by side, from x = left on.
    setImages(matrices, rows, columns, low, high, left = 0) {
      const each = (value) => matrices.map(value);
      this.models.get("colors").setv({ low, high });
      this.set("image", {
        image: each((values) => new Float32NDArray(values, [rows, columns])),
        x: each((_, i) => left + i * columns * 1.06), y: each(() => 0), dw: each(() => columns), dh: each(() => rows),
      });
    }

    setRange(x0, x1, y0, y1) {
      for (const [range, start, end] of [[this.plot.x_range, x0, x1], [this.plot.y_range, y0, y1]]) {
        const known = range.wanted;
        if (known && known[0] === start && known[1] === end) continue;
        range.setv({ start, end, reset_start: start, reset_end: end });
        range.wanted = [start, end];
      }
    }

    // Put the slider's line at a step: an element over the plot, which need not be painted for it.
    setNow(step) {
      if (!this.line) {
        this.line = document.createElement("div");
        this.line.className = "now";
        this.place.append(this.line);
        for (const signal of [this.plot.x_range.change, this.plot.properties.inner_width.change]) {
          signal.connect(() => requestAnimationFrame(() => this.setNow(this.now)));
        }
      }
      this.now = step;
      const { bbox, x_scale } = this.plotView.frame, x = x_scale.compute(step);
      this.line.hidden = x < bbox.left || x > bbox.right;
      Object.assign(this.line.style, { transform: `translateX(${x}px)`, top: `${bbox.top}px`, height: `${bbox.height}px` });
    }

    // True if it is seen, and something has changed since it was drawn.
    get isWaiting() { return this.isDirty && this.isSeen && Boolean(this.plot); }

    draw(state) {
      this.isDirty = false;
      const text = explorer.draw[this.kind](this, state);
      if (text !== this.said) {
        this.said = this.caption.textContent = text;
        this.element.setAttribute("aria-label", `${this.view.title}: ${text}`);
      }
    }

    // Give the plot the page's colours.
    paint() {
      const [ink, line] = pageColors("--ink", "--line");
      this.plot.setv({ ...papers(), outline_line_color: line });
      for (const model of this.plot.references()) {
        if (/Axis$/.test(model.type)) {
          model.setv({
            axis_label_text_color: ink, major_label_text_color: ink, axis_line_color: line,
            major_tick_line_color: line, minor_tick_line_color: null, axis_label_text_font_style: "normal",
          });
        } else if (model.type === "Grid") {
          model.grid_line_color = line;
        }
      }
    }

    // Return the plot as a picture, "png" or "svg", with the slider's line.
    blob(kind) {
      if (this.now !== undefined) this.set("now", { x: [this.now] });
      const blob = this.plotView.export(kind).to_blob();
      if (this.now !== undefined) this.set("now", { x: [] });
      return blob;
    }

    remove() {
      this.plotView?.remove();
      this.element.remove();
    }
  }
  explorer.Panel = Panel;
})(window.explorer);
