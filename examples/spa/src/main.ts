// Which page is shown, and the lines above it.
import { form, h, link } from "./dom";
import { ROUTES } from "./pages";
import { access, logOut, onChange, renew } from "./session";

const nav = document.querySelector("nav")!;
const main = document.querySelector("main")!;

// Keys of mailed links come after #, so the host of this page never gets them.
const place = () => new URL(location.hash.slice(1) || "/", location.origin);

function route() {
  const path = place().pathname.slice(1);
  const wanted = Object.hasOwn(ROUTES, path) ? ROUTES[path] : undefined;
  const may = wanted && (wanted.who === "anyone" || (wanted.who === "users") === Boolean(access()));
  if (may) return wanted;
  if (!access()) return ROUTES.login!;
  // After a logout there, the login is shown, and not the page of the first visit.
  history.replaceState(null, "", "#/profile");
  return ROUTES.profile!;
}

function drawNav(): void {
  const titles = Object.entries(ROUTES).filter(([, { who }]) => who === "users");
  const links = titles.map(([path, shown]) => {
    const item = link(path, shown.title);
    if (shown === route()) item.setAttribute("aria-current", "page");
    return item;
  });
  nav.replaceChildren(...(access() ? [...links, form({ button: "Log out", submit: (_, key) => logOut(key) })] : []));
}

let drawings = 0;

async function draw(): Promise<void> {
  const { title, page } = route();
  const drawing = ++drawings;
  drawNav();
  document.title = `${title} – Account`;
  const heading = h("h1", { tabindex: "-1" }, title);
  main.replaceChildren(heading);
  heading.focus({ preventScroll: true });
  const loading = form({ button: "Load it", submit: async () => show(await page(place().searchParams)) });
  const show = (nodes: Node[]) => {
    if (drawing === drawings) main.replaceChildren(heading, ...nodes);
  };
  // If it cannot be loaded, the button says why, and allows another try.
  loading.classList.add("quiet");
  main.append(loading);
  loading.requestSubmit();
}

async function start(): Promise<void> {
  // Another tab may be logged in, or this one was before it was loaded again.
  const starting = form({
    button: "Connect",
    submit: async () => {
      await renew("");
      onChange(() => {
        // These pages do not depend on who is logged in.
        if (route().who === "anyone") drawNav();
        else void draw();
      });
      addEventListener("hashchange", () => void draw());
      await draw();
    },
  });
  starting.classList.add("quiet");
  main.replaceChildren(starting);
  starting.requestSubmit();
}

void start();
