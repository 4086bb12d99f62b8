#include <charconv>
#include <stdexcept>

#include <fmt/format.h>

#include "engine/rows_impl.hpp"
#include "weft/storage/store_error.hpp"

namespace weft::storage {

std::int64_t Field::i64() const {
    std::int64_t value = 0;
    const auto* const end = text_.data() + text_.size();
    const auto [stop, error] = std::from_chars(text_.data(), end, value);
    if (null_ || error != std::errc{} || stop != end) {
        throw StoreError{fmt::format("expected an integer, the database has {}",
                                     null_ ? std::string_view{"NULL"} : text_.substr(0, 40))};
    }
    return value;
}

Rows::Rows() : impl_{std::make_shared<const Impl>()} {}

Rows::Rows(std::shared_ptr<const Impl> impl) : impl_{std::move(impl)} {}

Field Rows::Row::operator[](std::size_t column) const {
    if (index_ >= impl_->rows || column >= impl_->columns) {
        throw StoreError{fmt::format("row {}, column {} asked of a result of {} rows, {} columns", index_,
                                     column, impl_->rows, impl_->columns)};
    }
    auto* const result = impl_->result.get();
    const int row = static_cast<int>(index_);
    const int field = static_cast<int>(column);
    return Field{PQgetvalue(result, row, field), static_cast<std::size_t>(PQgetlength(result, row, field)),
                 PQgetisnull(result, row, field) != 0};
}

std::size_t Rows::size() const {
    return impl_->rows;
}

std::size_t Rows::affected() const {
    if (impl_->result == nullptr) return 0;
    const std::string_view text{PQcmdTuples(impl_->result.get())};
    std::size_t count = 0;  // stays where the statement touches none
    std::from_chars(text.data(), text.data() + text.size(), count);
    return count;
}

}  // namespace weft::storage
