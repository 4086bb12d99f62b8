#include <catch2/catch.hpp>

#include "weft/core/errors.hpp"
#include "weft/handlers/user_data/receipts.hpp"

using namespace weft;
using handlers::ReadMarker;

namespace {

bool accepts(ReadMarker marker, std::string_view thread_id) {
    try {
        handlers::check_thread_id(marker, thread_id);
        return true;
    } catch (const core::MatrixError& error) {
        CHECK(error.http_status == 400);
        CHECK(error.errcode == "M_INVALID_PARAM");
        return false;
    }
}

}  // namespace

TEST_CASE("receipt types are the three of the specification", "[receipts]") {
    CHECK(handlers::parse_read_marker("m.read") == ReadMarker::kRead);
    CHECK(handlers::parse_read_marker("m.read.private") == ReadMarker::kReadPrivate);
    CHECK(handlers::parse_read_marker("m.fully_read") == ReadMarker::kFullyRead);
    CHECK_FALSE(handlers::parse_read_marker("m.read.public"));
    CHECK_FALSE(handlers::parse_read_marker(""));
}

TEST_CASE("a receipt may name a thread, the fully-read marker may not", "[receipts]") {
    CHECK(accepts(ReadMarker::kRead, "main"));
    CHECK(accepts(ReadMarker::kReadPrivate, "$root:test"));
    CHECK_FALSE(accepts(ReadMarker::kRead, ""));
    CHECK_FALSE(accepts(ReadMarker::kRead, "elsewhere"));
    CHECK_FALSE(accepts(ReadMarker::kFullyRead, "main"));
}
