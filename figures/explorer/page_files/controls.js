// Controls: the slider over checkpoints, the choice of networks, orders and matrices, keys.
(function (explorer) {
  const TICKS = 1000;
  const byId = (id) => document.getElementById(id);

  // Make an element with properties and children.
  explorer.element = function (tag, properties = {}, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };

  class Controls {
    constructor(app) {
      this.app = app;
      this.steps = [...new Set(app.networks.flatMap((net) => [...net.steps]))].sort((a, b) => a - b);
      this.slider = byId("slider");
      this.slider.addEventListener("input", () => this.go(this.nearest(Number(this.slider.value))));
      byId("play").addEventListener("click", () => this.play(!this.timer));
      document.addEventListener("keydown", (event) => this.key(event));
      this.fillChoices();
      this.fillNetworks();
    }

    // Return the place of a step on the slider, whose axis is logarithmic.
    placeOf(step) {
      const last = Math.log1p(this.steps[this.steps.length - 1]) || 1;
      return (TICKS * Math.log1p(step)) / last;
    }

    nearest(place) {
      const distance = (step) => Math.abs(this.placeOf(step) - place);
      return this.steps.reduce((best, step) => (distance(step) < distance(best) ? step : best));
    }

    go(step) { this.app.update({ step }); }

    // Move by n checkpoints.
    move(n) {
      const now = this.steps.findLastIndex((step) => step <= this.app.state.step);
      this.go(this.steps[Math.min(this.steps.length - 1, Math.max(0, now + n))]);
    }

    play(isOn) {
      clearInterval(this.timer);
      this.timer = undefined;
      const last = this.steps[this.steps.length - 1];
      if (isOn) {
        if (this.app.state.step >= last) this.go(this.steps[0]);
        this.timer = setInterval(() => (this.app.state.step >= last ? this.play(false) : this.move(1)), 120);
      }
      byId("play").textContent = isOn ? "❚❚" : "▶";
      byId("play").setAttribute("aria-label", isOn ? "Pause" : "Play");
    }

    // Keys: ← → a checkpoint, Home and End the first and last, space plays; fields keep their own keys.
    key(event) {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const isField = event.target.closest("input, select, textarea") && event.target !== this.slider;
      const isButton = event.target.closest("button, summary, a");
      const moves = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
      if (isField) return;
      if (event.key in moves) this.move(Math.max(-1e9, Math.min(1e9, moves[event.key])));
      else if (event.key === " " && !isButton) this.play(!this.timer);
      else return;
      event.preventDefault();
    }

    // Show the state: where the slider is, its markers, what is chosen.
    show(state) {
      this.slider.value = this.placeOf(state.step);
      this.slider.setAttribute("aria-valuetext", explorer.stepWords(state.step));
      byId("step").textContent = explorer.stepWords(state.step);
      for (const name of ["sort", "map", "layer"]) byId(name).value = state[name] ?? "";
      byId("class").value = state.class ?? "";
      if (document.activeElement !== byId("neuron")) this.showNeuron();  // never over what is being typed
      for (const box of byId("networks").querySelectorAll("input")) box.checked = state.shown.includes(Number(box.value));
      const key = `${state.shown}`;
      if (this.markedFor !== key) this.mark(state.networks);
      this.markedFor = key;
    }

    showNeuron() {
      const net = this.app.withMaps();
      if (net) byId("neuron").value = net.arrays.neurons[this.app.state.neuron] ?? 0;
    }

    // Put a marker on the slider at t_mem, the end of memorisation, and t_gen, that of generalisation.
    mark(networks) {
      byId("markers").replaceChildren(...networks.flatMap((net) => ["t_mem", "t_gen"].filter((t) => net.words[t] !== null).map((t) => {
        const words = `${t} of ${net.label}: ${explorer.stepWords(net.words[t])}`;
        const marker = explorer.element("span", { title: words, className: t });
        marker.style.left = `${this.placeOf(net.words[t]) / (TICKS / 100)}%`;
        marker.style.background = net.color;
        return marker;
      })));
    }

    fillChoices() {
      const option = (value, text = value) => explorer.element("option", { value, textContent: text });
      const { networks } = this.app;
      const layers = [...new Set(networks.flatMap((net) => net.words.layers.map((layer) => layer.name)))];
      byId("layer").append(...layers.map((name) => option(name)));
      byId("layer").closest("label").hidden = !layers.length;
      const largest = Math.max(0, ...networks.filter((net) => net.words.what_if).map((net) => net.p));
      byId("class").append(option("", "right answer"), ...Array.from({ length: largest }, (_, c) => option(String(c))));
      byId("class").closest("label").hidden = !largest;
      for (const name of ["sort", "map", "layer"]) {
        byId(name).addEventListener("change", (event) => this.app.update({ [name]: event.target.value }));
      }
      byId("class").addEventListener("change", (event) => {
        this.app.update({ class: event.target.value === "" ? null : Number(event.target.value) });
      });
      byId("neuron").addEventListener("blur", () => this.showNeuron());
      byId("neuron").addEventListener("change", (event) => {
        const place = this.app.withMaps()?.arrays.neurons.indexOf(Number(event.target.value)) ?? -1;
        if (place >= 0) this.app.update({ neuron: place });
        else this.showNeuron();
      });
    }

    fillNetworks() {
      this.chips = [];
      const many = new Set(this.app.networks.map((net) => net.words.run)).size > 1;
      byId("networks").append(...this.app.networks.map((net) => {
        const box = explorer.element("input", { type: "checkbox", value: net.id });
        box.addEventListener("change", () => this.choose(net.id, box.checked));
        const chip = this.chips[net.id] = explorer.element("span", { className: "chip" });
        const label = explorer.element("label", {}, box, chip, net.label);
        if (many) label.title = net.words.run;
        return label;
      }));
      this.paint();
    }

    // Give names and markers the colours of their networks.
    paint() {
      this.chips.forEach((chip, id) => { chip.style.background = this.app.networks[id].color; });
      this.markedFor = undefined;
    }

    choose(id, isShown) {
      const shown = this.app.state.shown.filter((other) => other !== id).concat(isShown ? [id] : []);
      this.app.update(shown.length ? { shown: shown.sort((a, b) => a - b) } : {});
    }
  }
  explorer.Controls = Controls;
})(window.explorer);
