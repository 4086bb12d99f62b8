#include "weft/workers/process.hpp"

int main(int argc, char** argv) {
    return weft::workers::run_process(
        argc, argv,
        {.name = "appservice", .app = "weft.app.appservice", .kind = weft::http::WorkerKind::kAppservice});
}
