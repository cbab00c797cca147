// Django's widget of two lists names the marks beside them, but does not say that they are images: without that,
// what reads the page aloud passes over the name. The widget is made when the page is loaded.
window.addEventListener('load', () => {
    for (const mark of document.querySelectorAll('span.help-tooltip[aria-label]')) mark.setAttribute('role', 'img');
});
