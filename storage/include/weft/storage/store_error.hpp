#pragma once

#include <string>

#include "weft/core/errors.hpp"

namespace weft::storage {

using core::StoreError;

/// A row with this key exists already (SQLSTATE 23505). Stores turn it into an answer where that is an
/// expected outcome.
class UniqueViolation : public StoreError {
public:
    UniqueViolation(const std::string& text, std::string constraint)
        : StoreError{text}, constraint_{std::move(constraint)} {}

    /// Name of the constraint or unique index; empty if the server did not say.
    const std::string& constraint() const { return constraint_; }

private:
    std::string constraint_;
};

/// Another process has the right to write by now (SQLSTATE WF001): nothing was stored.
class LeaseLost : public StoreError {
public:
    using StoreError::StoreError;
};

/// The connection broke while a commit was on its way: the transaction may or may not have happened.
class CommitInDoubt : public StoreError {
public:
    using StoreError::StoreError;
};

}  // namespace weft::storage
