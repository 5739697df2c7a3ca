// Airflow shows the console in a frame. Alone in a window, the console needs no script.
if (window.parent !== window) {
  const outside = window.parent.document;

  // Airflow's own switch for light and dark counts, not the browser's.
  const takeTheme = () => {
    const dark = outside.documentElement.classList.contains("dark");
    document.documentElement.style.colorScheme = dark ? "dark" : "light";
  };
  takeTheme();
  new MutationObserver(takeTheme).observe(outside.documentElement, { attributes: true });

  // The frame is sandboxed and may not leave itself: links that lead out of the console are followed
  // by the page around it.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[target]");
    if (!link) return;
    event.preventDefault();
    const twin = outside.createElement("a");
    twin.href = link.href;
    twin.target = link.target;
    twin.rel = link.rel;
    outside.body.append(twin);
    twin.click();
    twin.remove();
  });
}
