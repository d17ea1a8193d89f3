const channels = new Map();

class Channel {
  #subscribers = new Set();

  constructor(name) { this.name = name; }
  get hasSubscribers() { return this.#subscribers.size > 0; }
  subscribe(callback) { this.#subscribers.add(callback); }
  unsubscribe(callback) { return this.#subscribers.delete(callback); }
  publish(message) { for (const callback of this.#subscribers) callback(message, this.name); }
}

const channel = (name) => {
  if (!channels.has(name)) channels.set(name, new Channel(name));
  return channels.get(name);
};

export default {
  Channel,
  channel,
  hasSubscribers: (name) => channel(name).hasSubscribers,
  subscribe: (name, callback) => channel(name).subscribe(callback),
  unsubscribe: (name, callback) => channel(name).unsubscribe(callback),
};
