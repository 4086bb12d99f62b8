#include "weft/workers/process.hpp"

int main(int argc, char** argv) {
    return weft::workers::run_process(argc, argv,
                                      {.name = "client_reader", .app = "weft.app.client_reader", .kind = weft::http::WorkerKind::kClientReader});
}
