// Bundles the pages' scripts and styles into dist/, each under a name that changes with its content, and writes
// dist/manifest.json: the name a template uses -> the file to serve. The gateway embeds dist/.
import { build } from "esbuild";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";

const out = "dist";
mkdirSync(out, { recursive: true }); // a container's build starts without it
for (const file of readdirSync(out)) if (file !== ".gitkeep") rmSync(`${out}/${file}`, { recursive: true });

const result = await build({
  entryPoints: ["ts/app.ts", "static/app.css"],
  outdir: out,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2022"],
  entryNames: "[name]-[hash]",
  metafile: true,
  logLevel: "warning",
});

const manifest = {};
for (const [file, meta] of Object.entries(result.metafile.outputs)) {
  if (meta.entryPoint) manifest[basename(meta.entryPoint).replace(/\.ts$/, ".js")] = basename(file);
}
writeFileSync(`${out}/manifest.json`, JSON.stringify(manifest, null, 2) + "\n");
