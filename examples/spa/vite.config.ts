import { defineConfig, loadEnv } from "vite";

export default defineConfig(({ mode }) => {
  const server = loadEnv(mode, ".").VITE_SERVER ?? "http://localhost:8000";
  const policy = `default-src 'self'; connect-src ${server}; base-uri 'none'; form-action 'none'; object-src 'none'`;
  return {
    define: { "import.meta.env.VITE_SERVER": JSON.stringify(server) },
    // The server's CORS_ALLOWED_ORIGINS contains this origin, so another port would be refused.
    server: { host: "localhost", port: 5173, strictPort: true },
    preview: { host: "localhost", port: 5173, strictPort: true },
    plugins: [
      {
        name: "content-security-policy",
        // During development, Vite puts styles into the page and opens a web socket.
        apply: "build",
        transformIndexHtml: () => [
          { tag: "meta", attrs: { "http-equiv": "Content-Security-Policy", content: policy }, injectTo: "head-prepend" },
        ],
      },
    ],
  };
});
