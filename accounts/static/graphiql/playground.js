"use strict";

// Queries hold passwords and codes: they are forgotten with the page.
const kept = new Map();
const storage = {
  get length() { return kept.size; },
  getItem: (name) => kept.get(name) ?? null,
  setItem: (name, value) => { kept.set(name, value); },
  removeItem: (name) => { kept.delete(name); },
  clear: () => { kept.clear(); },
};
const defaultQuery = `mutation {
  createVerifyEmailCode(email: "you@example.org")
}
`;
const endpoint = document.getElementById("endpoint");
const root = ReactDOM.createRoot(document.getElementById("graphiql"));

function show() {
  const fetcher = GraphiQL.createFetcher({ url: endpoint.value });
  root.render(React.createElement(GraphiQL, { key: endpoint.value, fetcher, storage, defaultQuery }));
}

endpoint.addEventListener("change", show);
show();
