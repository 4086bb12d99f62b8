// The whole of Hydrogen, from its npm package, for one homeserver: the page that the browser test drives.
import { createNavigation, createRouter, FeatureSet, Platform, RootView, RootViewModel } from "hydrogen-view-sdk";

const assetPaths = {
    downloadSandbox: "/assets/download-sandbox.html",
    worker: "/assets/main.js",
    olm: { wasm: "/olm/olm.wasm", legacyBundle: "/olm/olm_legacy.js", wasmBundle: "/olm/olm.js" },
    serviceWorker: "/sw.js",
};

async function main() {
    const { defaultHomeServer } = await (await fetch("/config.json")).json();
    const container = document.getElementById("app");
    const platform = new Platform({ container, assetPaths, config: { defaultHomeServer }, options: { development: false } });
    await platform.init();
    const navigation = createNavigation();
    platform.setNavigation(navigation);
    const urlRouter = createRouter({ navigation, history: platform.history });
    urlRouter.attach();
    const features = await FeatureSet.load(platform.settingsStorage);
    const viewModel = new RootViewModel({ platform, navigation, urlRouter, features });
    await viewModel.load();
    container.appendChild(new RootView(viewModel).mount());
}

main();
