// The page: its state, the link that restores it, its views; draws what is seen, a frame at a time.
(function (explorer) {
  const { element } = explorer;
  const MOST_SHOWN = 3;  // networks that are side by side at first
  const FRAME = 33, PAUSE = 300;  // milliseconds that a frame may take, and after which it is no frame
  const MOST_PAINTED = 8;  // plots that are painted in one frame of a quick machine; others follow in the next ones
  const [NEARLY_BLACK, NEARLY_WHITE] = ["#26292f", "#e4e6ea"];
  const SORTS = ["frequency", "energy", "change", "number"];

  // Why a view has nothing to show of a network; null if it has.
  const LACKS = {
    curves: () => null,
    neurons: (net) => (net.hasMaps ? null : "no neurons over residues"),
    logits: (net) => (net.words.what_if || net.arrays.margin ? null : "its logits are not in the page"),
    mask: (net) => (net.words.layers.length ? null : "no mask: every weight is kept"),
    graph: (net) => (net.words.mask_graphs.length ? null : "no mask: every weight is kept"),
    statistics: (net, page) => (net.words.graph.length ? null : page.hints.graph_props || "not measured"),
    race: (net) => (net.arrays.race ? null : "no spectra"),
    progress: (net, page) => (net.words.progress.length ? null : page.hints.progress || "not measured"),
    attention: (net) => (net.words.heads ? null : "no attention"),
    circles: (net) => (net.words.circles.length ? null : "no embedding"),
  };
  for (const name of ["spectrum", "neuron", "phases"]) LACKS[name] = LACKS.neurons;

  class App {
    constructor(page, templates, networks) {
      Object.assign(this, { page, templates, networks, panels: new Map(), frames: 0, most: 4, drawnAt: 0 });
      networks.forEach((net) => { net.label = net.words.label; });
      this.dark = matchMedia("(prefers-color-scheme: dark)");
      this.colorize();
      if (innerWidth < 700) document.getElementById("choices").open = false;
      this.observer = new IntersectionObserver((entries) => this.see(entries), { rootMargin: "20px" });
      this.state = this.linked(this.first());
      this.sections = page.views.map((view) => this.section(view));
      document.getElementById("views").append(...this.sections);
      document.getElementById("view-neuron").after(document.getElementById("view-changes"));
      this.controls = new explorer.Controls(this);
      this.changes = new explorer.Changes(this, document.getElementById("changes"));
      window.addEventListener("hashchange", () => { if (location.hash !== this.hash) this.update(this.linked(this.state)); });
      this.dark.addEventListener("change", () => this.repaint());
    }

    first() {
      const nets = this.networks, seed = nets[0].words.seed;
      const ids = nets.filter((net) => net.words.seed === seed || nets.length <= MOST_SHOWN).map((net) => net.id);
      const last = Math.max(...nets.map((net) => net.steps[net.steps.length - 1]));
      const layers = nets.flatMap((net) => net.words.layers.map((each) => each.name));
      const layer = layers.find((name) => name.endsWith("W_in")) ?? layers[0] ?? null;
      const of = ids.filter((id) => nets[id].words.role !== "control").concat(ids.filter((id) => /shuffled/.test(nets[id].words.arm)));
      const shown = [...new Set([...of, ...ids])].slice(0, MOST_SHOWN).sort((a, b) => a - b);
      return { step: last, shown, neuron: 0, sort: "frequency", map: "input", class: null, layer, changed: {} };
    }

    withMaps() { return this.state.networks.find((net) => net.hasMaps) || this.networks.find((net) => net.hasMaps); }

    // Return a state with what the link says, where that fits.
    linked(state) {
      const given = new URLSearchParams(location.hash.slice(1)), next = { ...state };
      const whole = (name, end) => {
        const n = Number(given.get(name));
        return /^\d+$/.test(given.get(name)) && n < end ? n : undefined;
      };
      next.step = whole("step", Infinity) ?? state.step;
      next.neuron = whole("neuron", Math.max(1, ...this.networks.map((net) => net.m))) ?? state.neuron;
      next.class = given.has("class") ? whole("class", 1e6) ?? null : state.class;
      if (SORTS.includes(given.get("sort"))) next.sort = given.get("sort");
      if (["input", "output"].includes(given.get("map"))) next.map = given.get("map");
      if (this.networks.some((net) => net.words.layers.some((l) => l.name === given.get("layer")))) next.layer = given.get("layer");
      const shown = (given.get("networks") ?? "").split(",").map(Number).filter((id) => given.get("networks") && id in this.networks);
      if (shown.length) next.shown = [...new Set(shown)].sort((a, b) => a - b);
      this.networks.forEach((net) => net.setChanges(linkedChanges(given.get(`changes${net.id}`), net)));
      next.changed = {};
      return this.derived(next);
    }

    derived(state) {
      state.networks = state.shown.map((id) => this.networks[id]);
      const most = Math.max(0, ...state.networks.map((net) => net.m));
      state.neuron = Math.min(state.neuron, Math.max(0, most - 1));
      return state;
    }

    // Change the state; every view that is seen follows in the next frame.
    update(part) {
      const before = this.state;
      this.state = this.derived({ ...this.state, ...part });
      if (`${before.shown}` !== `${this.state.shown}`) this.arrange();
      for (const panel of this.panels.values()) panel.isDirty = true;
      this.schedule();
    }

    schedule() {
      if (!this.frame) this.frame = requestAnimationFrame(() => { this.frame = undefined; this.drawAll(); });
    }

    drawAll() {
      this.controls.show(this.state);
      this.changes.show(this.state);
      const waiting = [...this.panels.values()].filter((panel) => panel.isWaiting).sort((a, b) => a.drawnAt - b.drawnAt);
      const now = performance.now(), took = now - this.drawnAt;
      this.drawnAt = now;
      if (took < PAUSE) this.most = Math.max(1, Math.min(MOST_PAINTED, this.most + (took > FRAME ? -1 : 1)));
      let painted = 0;
      for (const panel of waiting) {
        if (painted === this.most) break;
        panel.draw(this.fitted(panel));
        panel.drawnAt = this.frames;
        if (!panel.line) painted++;  // of a plot with a line only the line moves
      }
      this.frames++;
      if (waiting.some((panel) => panel.isWaiting)) this.schedule();
      clearTimeout(this.linkTimer);
      this.linkTimer = setTimeout(() => this.writeLink(), 100);
    }

    // Return the state for a panel: its network may have fewer neurons.
    fitted(panel) {
      const most = (panel.network?.m ?? Infinity) - 1;
      return this.state.neuron > most ? { ...this.state, neuron: Math.max(0, most) } : this.state;
    }

    writeLink() {
      const { step, shown, neuron, sort, map, layer } = this.state;
      const link = new URLSearchParams({ step, networks: shown.join(), neuron, sort, map });
      if (layer !== null) link.set("layer", layer);
      if (this.state.class !== null) link.set("class", this.state.class);
      for (const net of this.networks) if (net.changes.length) link.set(`changes${net.id}`, JSON.stringify(net.changes));
      this.hash = `#${link}`;
      try { history.replaceState(null, "", this.hash); } catch { /* a frame of a notebook has no address */ }
    }

    section(view) {
      const definitions = element("dl", {}, ...view.definitions.flatMap(({ name, meaning, unit, source }) => [
        element("dt", { textContent: unit ? `${name} (${unit})` : name }),
        element("dd", { textContent: source ? `${meaning} [${source}]` : meaning }),
      ]));
      const save = (kind) => {
        const made = element("button", { type: "button", textContent: kind.toUpperCase() });
        made.setAttribute("aria-label", `Save ${view.title} as ${kind.toUpperCase()}`);
        made.addEventListener("click", () => this.save(view, kind));
        return made;
      };
      const details = element("details", {}, element("summary", { textContent: "Definitions" }), definitions);
      const panels = element("div", { className: view.of_run ? "panels of-run" : "panels" });
      const head = element("header", {}, element("h2", { textContent: view.title }), save("png"), save("svg"));
      const made = element("section", { id: `view-${view.name}` }, head, element("p", { textContent: view.shows }), details, panels);
      made.setAttribute("aria-label", view.title);
      return made;
    }

    // Make the panels of the chosen networks, and remove the others.
    arrange() {
      const wanted = new Set();
      this.page.views.forEach((view, n) => {
        const parent = this.sections[n].querySelector(".panels");
        const columns = view.of_run ? [null] : this.state.networks;
        const notes = new Map();
        parent.querySelectorAll(".note").forEach((note) => note.remove());
        for (const net of columns) {
          const reason = net && LACKS[view.name](net, this.page);
          if (reason) notes.set(reason, [...(notes.get(reason) ?? []), net.label]);
          if (reason) continue;
          const id = `${view.name}-${net?.id ?? "run"}`;
          wanted.add(id);
          if (!parent.querySelector(`[data-column="${id}"]`)) this.column(view, net, id, parent);
        }
        parent.append(...this.state.networks.map((net) => parent.querySelector(`[data-column="${view.name}-${net.id}"]`)).filter(Boolean));
        parent.append(...[...notes].map(([reason, nets]) => element("p", { className: "note", textContent: `${nets.join("; ")}: ${reason}.` })));
      });
      for (const [name, panel] of this.panels) {
        if (wanted.has(panel.column)) continue;
        this.observer.unobserve(panel.element);
        panel.remove();
        this.panels.delete(name);
      }
      document.querySelectorAll("[data-column]").forEach((div) => { if (!wanted.has(div.dataset.column)) div.remove(); });
    }

    column(view, net, id, parent) {
      const div = element("div", { className: "column" });
      div.dataset.column = id;
      parent.append(div);
      for (const kind of view.plots) {
        const panel = new explorer.Panel(view, kind, net, div);
        panel.reserve(this.templates[kind]);
        panel.column = id;
        this.panels.set(panel.name, panel);
        this.observer.observe(panel.element);
      }
    }

    // Build the plot of a panel when it is first seen.
    see(entries) {
      for (const { target, isIntersecting } of entries) {
        const panel = this.panels.get(target.dataset.panel);
        if (!panel) continue;
        panel.isSeen = isIntersecting;
        if (isIntersecting) panel.built ??= panel.build(this.templates[panel.kind]).then(() => this.schedule());
      }
      this.schedule();
    }

    tapped(plot, x, y) {
      const panel = this.panels.get(plot.tags[0]), net = panel.network;
      const neuron = panel.kind === "spectrum" ? net.order(this.state.sort)[Math.floor(y)] :
        explorer.neuronAtCell(net, this.fitted(panel), x, y);
      if (neuron !== undefined) this.update({ neuron });
    }

    async save(view, kind) {
      for (const panel of this.panels.values()) {
        if (panel.view !== view || !panel.plot) continue;
        const link = element("a", { download: `${panel.name}.${kind}`, href: URL.createObjectURL(await panel.blob(kind)) });
        link.click();
        URL.revokeObjectURL(link.href);
      }
    }

    // Give the networks their colours; what is nearly black is nearly white on a dark page.
    colorize() {
      for (const net of this.networks) net.color = this.dark.matches && net.words.color === NEARLY_BLACK ? NEARLY_WHITE : net.words.color;
    }

    repaint() {
      this.colorize();
      this.controls.paint();
      for (const panel of this.panels.values()) if (panel.plot) panel.paint();
      this.update({ colors: this.dark.matches });
    }
  }

  function linkedChanges(text, net) {
    try {
      const changes = JSON.parse(text ?? "[]");
      return net.words.what_if && Array.isArray(changes) ? changes.filter((change) => explorer.isChange(change, net.m, net.p)) : [];
    } catch { return []; }
  }

  async function start() {
    const text = (id) => document.getElementById(id).textContent;
    const page = JSON.parse(text("page"));
    const templates = await explorer.unpackedJson(text("templates"));
    const networks = await Promise.all(page.networks.map(async (words, id) => new explorer.Network(id, words, await explorer.unpacked(text(`arrays-${id}`)))));
    networks.forEach((net) => { net.startOf = networks[net.words.start_of]; });
    explorer.app = new App(page, templates, networks);
    explorer.tapped = (plot, x, y) => explorer.app.tapped(plot, x, y);
    explorer.app.arrange();
    explorer.app.schedule();
    document.body.dataset.state = "ready";
  }

  start().catch((error) => {
    document.getElementById("notes").append(element("p", { textContent: `This page could not be shown: ${error.message}` }));
    throw error;
  });
})(window.explorer);
