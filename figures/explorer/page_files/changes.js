// The panel "What if": buttons that change a network, and the accuracies that follow.
(function (explorer) {
  const { element } = explorer;
  const percent = (x) => (x === null ? "unknown" : `${(100 * x).toFixed(2)} %`);
  const points = (x) => `${Math.abs(x) < 5e-5 ? "" : x > 0 ? "+" : "−"}${Math.abs(100 * x).toFixed(2)} points`;

  const WORDS = {
    drop_neuron: (change, net) => `without neuron ${net.arrays.neurons[change.neuron]}`,
    drop_frequency: (change) => `without frequency ${change.frequency}`,
    rotate: (change, net) => `${change.map} phase of neuron ${net.arrays.neurons[change.neuron]} turned by ${change.angle.toFixed(2)}`,
    zero: (change, net) => `${change.map} weights of neuron ${net.arrays.neurons[change.neuron]} 0`,
    start: (change, net) => `${change.map} weights of neuron ${net.arrays.neurons[change.neuron]} as at the first checkpoint`,
  };

  class Changes {
    constructor(app, parent) {
      this.app = app;
      this.rows = new Map();
      this.map = element("select", {}, ...["input", "output"].map((name) => element("option", { value: name, textContent: name })));
      this.frequency = element("input", { type: "number", min: 1, value: 1 });
      this.angle = element("input", { type: "range", min: -3.14, max: 3.14, step: 0.01, value: 1.57 });
      this.angle.addEventListener("input", () => this.turn());
      this.network = element("select");
      const button = (text, make) => {
        const made = element("button", { type: "button", textContent: text });
        made.addEventListener("click", () => this.add(make()));
        return made;
      };
      const of = (change) => () => ({ neuron: app.state.neuron, ...change() });
      parent.append(
        element("label", {}, "network ", this.network), element("label", {}, "weights ", this.map),
        button("Drop the neuron", of(() => ({ op: "drop_neuron" }))),
        button("Set its weights to 0", of(() => ({ op: "zero", map: this.map.value }))),
        button("Set them to the first checkpoint's", of(() => ({ op: "start", map: this.map.value }))),
        button("Turn its phase", of(() => ({ op: "rotate", map: this.map.value, angle: Number(this.angle.value) }))),
        element("label", {}, "by ", this.angle),
        button("Drop a frequency", () => ({ op: "drop_frequency", frequency: Number(this.frequency.value) })),
        element("label", {}, "k ", this.frequency),
        button("Undo", () => null),
      );
      this.said = element("div", { className: "accuracies" });
      this.said.setAttribute("aria-live", "polite");
      parent.append(this.said);
    }

    get target() { return this.app.networks[Number(this.network.value)]; }

    add(change) {
      const net = this.target;
      if (!net || (change && !explorer.isChange(change, net.m, net.p))) return;
      net.setChanges(change ? [...net.changes, change] : net.changes.slice(0, -1));
      this.app.update({ changed: {} });
    }

    // Turn the phase further while its slider is dragged, if turning was the last change.
    turn() {
      const net = this.target, last = net?.changes[net.changes.length - 1];
      if (!last || last.op !== "rotate" || last.neuron !== this.app.state.neuron || last.map !== this.map.value) return;
      net.setChanges([...net.changes.slice(0, -1), { ...last, angle: Number(this.angle.value) }]);
      this.app.update({ changed: {} });
    }

    show(state) {
      const fitting = state.networks.filter((net) => net.words.what_if);
      const key = fitting.map((net) => net.id).join();
      if (this.shownFor !== key) {
        const before = this.network.value;
        this.network.replaceChildren(...fitting.map((net) => element("option", { value: net.id, textContent: net.label })));
        if (fitting.some((net) => String(net.id) === before)) this.network.value = before;
        this.shownFor = key;
      }
      clearTimeout(this.timer);
      const isEdited = state.changed !== this.changedFor;
      this.changedFor = state.changed;
      if (isEdited) this.say(state, fitting);
      else this.timer = setTimeout(() => this.say(this.app.state, fitting), 200);
    }

    say(state, fitting) {
      const rows = fitting.map((net) => element("p", { textContent: explorer.accuracyWords(net, net.at(state.step)) }));
      const others = state.networks.filter((net) => !net.words.what_if);
      if (others.length) {
        const why = "the page has not all of the numbers its logits follow from";
        rows.push(element("p", { textContent: `Not offered for ${others.map((net) => net.label).join("; ")}: ${why}.` }));
      }
      this.said.replaceChildren(...rows);
    }
  }
  explorer.Changes = Changes;

  // Return what a network's accuracies are: measured, by the page's 8 bits, and after the changes.
  explorer.accuracyWords = function (net, t) {
    const stored = net.accuracies(t, false), part = stored.test === null ? (stored.train === null ? "all" : "train") : "test";
    const word = { test: "test accuracy", train: "training accuracy", all: "accuracy on all pairs" }[part];
    const measured = part === "all" ? null : net.measured(`${part}_acc`, t);
    const bits = measured === null ? "not measured by training at this step" :
      `${percent(measured)} measured; storing in 8 bits moves it by ${points(stored[part] - measured)}`;
    let text = `${net.label}, ${explorer.stepWords(net.steps[t])}: ${word} ${percent(stored[part])} by the page's numbers (${bits}).`;
    if (net.changes.length) {
      const after = net.accuracies(t, true);
      const others = after.train === null || part === "train" ? "" : `, training accuracy ${percent(after.train)}`;
      text += ` Changed: ${net.changes.map((change) => WORDS[change.op](change, net)).join(", ")}: ${percent(after[part])}${others}.`;
    }
    return text;
  };
})(window.explorer);
