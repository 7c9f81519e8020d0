/** The one style sheet of the pages; it sits inside each page, allowed by its hash. */
export const STYLE = `
*{box-sizing:border-box}
:root{color-scheme:light;--ink:#1b1b1b;--soft:#5b5f66;--line:#8a8d91;--hair:#e3e5e8;--blue:#0067b8;--deep:#004e8c;--pale:#f3f6fa}
body{margin:0;min-height:100vh;display:flex;flex-direction:column;color:var(--ink);background:#eef2f7;background:linear-gradient(150deg,#e6edf5,#f6f4ef 55%,#e9f1ee);font:15px/1.45 "Segoe UI","Segoe UI Web",system-ui,"Helvetica Neue",Arial,sans-serif;overflow-wrap:anywhere}
.notice{margin:0;padding:.5rem 1rem;background:#2b2f36;color:#fff;text-align:center;font-size:.8125rem}
.notice strong{color:#ffd479}
main{flex:1;display:grid;gap:1.25rem;align-content:center;justify-content:center;grid-template-columns:minmax(0,27.5rem);padding:1.5rem 1rem}
@media(min-width:54rem){main.two{grid-template-columns:27.5rem 23rem}}
.card{background:#fff;padding:2rem 2.25rem;border-radius:2px;box-shadow:0 2px 6px rgba(0,0,0,.18)}
.brand{display:flex;align-items:center;gap:.5rem;margin:0 0 1rem;color:var(--soft);font-weight:600}
.brand svg{width:1.5rem;height:1.5rem;flex:none}
h1{margin:0 0 .25rem;font-size:1.5rem;font-weight:600;line-height:1.25}
h2{margin:0 0 .25rem;font-size:1.0625rem;font-weight:600}
p{margin:0 0 .75rem}
.soft{color:var(--soft)}
.small{font-size:.8125rem}
label{display:block;margin:1rem 0 .125rem;font-weight:600;font-size:.875rem}
input,select{width:100%;min-height:2.5rem;padding:.375rem .625rem;border:1px solid var(--line);border-radius:2px;background:#fff;color:inherit;font:inherit}
.extra{margin-top:1.25rem;padding:.125rem .875rem .75rem;border:1px dashed var(--line);border-radius:2px;background:var(--pale)}
.extra label{margin-top:.5rem}
.extra p{margin:.375rem 0 0}
.actions{display:flex;flex-wrap:wrap;gap:.625rem;justify-content:flex-end;margin-top:1.5rem}
button{min-height:2.25rem;padding:.375rem 1.25rem;border:1px solid transparent;border-radius:2px;font:inherit;font-weight:600;cursor:pointer}
.actions button{min-width:7rem}
.main{background:var(--blue);color:#fff}
.main:hover{background:var(--deep)}
.other{background:#e4e7ea;color:var(--ink)}
.other:hover{background:#d3d7db}
:focus-visible{outline:3px solid var(--deep);outline-offset:2px}
.alert{margin:.75rem 0 0;padding:.625rem .75rem;border-left:4px solid #b10e1c;background:#fdf1f1;color:#8b0b16}
.tiles{list-style:none;margin:.75rem -.75rem 0;padding:0;max-height:27rem;overflow:auto}
.tiles li{border-top:1px solid var(--hair)}
.tiles form{display:flex;flex-direction:column;padding:.5rem .75rem}
.tiles button{align-self:flex-start;min-height:1.75rem;padding:.125rem .25rem;margin:0 calc(-.25rem - 1px);background:none;color:var(--blue);text-align:left}
.tiles button:hover{text-decoration:underline}
.account{display:inline-block;margin:0 0 1rem;padding:.25rem .75rem;border:1px solid var(--hair);border-radius:1rem;background:var(--pale);font-size:.875rem}
.asks{list-style:none;margin:1rem 0;padding:0;border-top:1px solid var(--hair)}
.asks li{display:flex;gap:.75rem;padding:.625rem 0;border-bottom:1px solid var(--hair)}
.asks svg{width:1.125rem;height:1.125rem;flex:none;margin-top:.125rem}
.asks code{display:block;color:var(--soft);font:.8125rem/1.4 ui-monospace,"Cascadia Mono",Consolas,monospace}
dl{margin:1rem 0 0;font-size:.8125rem}
dt{color:var(--soft)}
dd{margin:0 0 .5rem}
@media(max-width:30rem){main{padding:.75rem .5rem;align-content:start}.card{padding:1.25rem 1rem}.actions button{flex:1}}
`;
