const list = document.getElementById("events");
new EventSource("events").onmessage = ({ data }) => {
  const item = document.createElement("li");
  item.textContent = data;
  list.append(item);
};
