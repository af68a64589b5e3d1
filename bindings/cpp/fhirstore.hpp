/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fhirstore.hpp  libfhirstore for C++17: handles that close themselves, errors that are thrown.
 *
 *     fhir::Store store("clinic.fhirstore", fhir::Options().key(key).create());
 *     fhir::Session session = store.session(fhir::Principal().everything());
 *     fhir::Response made = session.create("Patient", R"({"resourceType":"Patient"})");
 *     for (const fhir::Match &match : session.search("Patient", "active=true")) { use(match.body); }
 *
 * Handles move and are not copied. One that was opened through another holds it, so they may be
 * destroyed in any order. Callbacks may throw: what they throw denies, refuses or fails as an error
 * does in C, and comes out of the call on whose way it was thrown. All of the C interface can be used
 * beside: get() tells the handles.
 */
#ifndef FHIRSTORE_HPP
#define FHIRSTORE_HPP

#include <array>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fhirstore/fhirstore.h>

namespace fhir
{

/** What went wrong: the status, and the OperationOutcome as JSON. */
class Error : public std::runtime_error
{
  public:
    Error(fhirstore_status status, const std::string &message, std::string outcome)
        : std::runtime_error(message), status_(status), outcome_(std::move(outcome))
    {
    }
    fhirstore_status status() const noexcept { return status_; }
    std::string name() const { return fhirstore_status_name(status_); }
    int http() const noexcept { return fhirstore_status_http(status_); }
    const std::string &outcome() const noexcept { return outcome_; }

  private:
    fhirstore_status status_;
    std::string outcome_;
};

namespace detail
{

/** A reason that is on its way out of a call. */
class Reason
{
  public:
    Reason() = default;
    Reason(const Reason &) = delete;
    Reason &operator=(const Reason &) = delete;
    ~Reason() { fhirstore_error_free(error_); }
    fhirstore_error **out() { return &error_; }
    [[noreturn]] void raise(fhirstore_status status) const
    {
        fhirstore_buf text = {};
        std::string outcome;
        if (fhirstore_error_outcome(error_, &text) == FHIRSTORE_OK) {
            outcome.assign(reinterpret_cast<const char *>(text.ptr), text.len);
        }
        fhirstore_buf_clear(&text);
        throw Error(status, error_ == nullptr ? fhirstore_status_name(status) : fhirstore_error_message(error_),
                    outcome);
    }

  private:
    fhirstore_error *error_ = nullptr;
};

/** What a callback on this thread has thrown, until the call that it was thrown in is back. */
inline std::exception_ptr &thrown()
{
    thread_local std::exception_ptr pending;
    return pending;
}

inline void rethrow()
{
    if (std::exception_ptr pending = std::exchange(thrown(), nullptr)) {
        std::rethrow_exception(pending);
    }
}

/** Nothing may be thrown through C. */
template <typename Act> fhirstore_status guarded(Act act, fhirstore_status otherwise) noexcept
{
    try {
        return act();
    } catch (...) {
        thrown() = std::current_exception();
        return otherwise;
    }
}

inline fhirstore_status check(fhirstore_status status, const Reason &reason)
{
    rethrow();
    if (status < FHIRSTORE_OK) {
        reason.raise(status);
    }
    return status;
}

/** What verify() and repair() are told, as "area: text". */
inline void take_finding(void *ctx, const char *area, const char *text) noexcept
{
    (void)guarded(
        [&] {
            if (std::string_view(area) != "notice") {
                static_cast<std::vector<std::string> *>(ctx)->push_back(std::string(area) + ": " + text);
            }
            return FHIRSTORE_OK;
        },
        FHIRSTORE_OK);
}

template <typename Handle, void (*Close)(Handle *)> struct Closer {
    void operator()(Handle *handle) const noexcept { Close(handle); }
};

template <typename Handle, void (*Close)(Handle *)> using Owned = std::unique_ptr<Handle, Closer<Handle, Close>>;

} // namespace detail

/** How to open a store; what is not said is the default. */
class Options
{
  public:
    Options &key(std::array<std::uint8_t, 32> key)
    {
        key_ = std::make_shared<std::array<std::uint8_t, 32>>(key);
        return *this;
    }
    Options &passphrase(std::string text)
    {
        passphrase_ = std::move(text);
        has_passphrase_ = true;
        return *this;
    }
    Options &plaintext() { return flag(FHIRSTORE_OPEN_PLAINTEXT); }
    /** A new store gives each Patient a key of its own: see Session::shred(). */
    Options &patient_keys() { return flag(FHIRSTORE_OPEN_PATIENT_KEYS); }
    Options &create() { return flag(FHIRSTORE_OPEN_CREATE); }
    Options &read_only() { return flag(FHIRSTORE_OPEN_READ_ONLY); }
    Options &multi_process() { return flag(FHIRSTORE_OPEN_MULTI_PROCESS); }
    Options &fhir_version(std::int32_t version)
    {
        version_ = version;
        return *this;
    }
    Options &base_url(std::string url)
    {
        base_url_ = std::move(url);
        return *this;
    }
    /** Microseconds since 1970. */
    Options &clock(std::function<std::int64_t()> clock)
    {
        clock_ = std::make_shared<std::function<std::int64_t()>>(std::move(clock));
        return *this;
    }

  private:
    friend class Store;
    Options &flag(std::uint32_t bit)
    {
        flags_ |= bit;
        return *this;
    }
    std::uint32_t flags_ = 0;
    std::int32_t version_ = 0;
    bool has_passphrase_ = false;
    std::shared_ptr<std::array<std::uint8_t, 32>> key_;
    std::string passphrase_;
    std::string base_url_;
    std::shared_ptr<std::function<std::int64_t()>> clock_;
};

/** Who opens a session. */
class Principal
{
  public:
    explicit Principal(std::string name = {}) : name_(std::move(name)) {}
    /** Skip the authorizer. */
    Principal &everything()
    {
        flags_ |= FHIRSTORE_SESSION_ALLOW_EVERYTHING;
        return *this;
    }
    /** The principal's document as JSON: roles, scope, patient, attributes. */
    Principal &claims(std::string json)
    {
        claims_ = std::move(json);
        return *this;
    }
    Principal &purpose(std::string purpose)
    {
        purpose_ = std::move(purpose);
        return *this;
    }
    Principal &request_id(std::string id)
    {
        request_id_ = std::move(id);
        return *this;
    }

  private:
    friend class Store;
    std::uint32_t flags_ = 0;
    std::string name_;
    std::string claims_;
    std::string purpose_;
    std::string request_id_;
};

/** What was answered. Views are good as long as it is. */
class Response
{
  public:
    explicit Response(fhirstore_response *response) : response_(response) {}
    int http() const { return fhirstore_response_http(response_.get()); }
    std::string_view body() const
    {
        std::size_t len = 0;
        const char *text = fhirstore_response_body(response_.get(), &len);
        return {text, len};
    }
    std::string id() const { return fhirstore_response_id(response_.get(), nullptr); }
    std::int64_t version() const { return fhirstore_response_version(response_.get()); }
    /** Microseconds since 1970. */
    std::int64_t updated_us() const { return fhirstore_response_updated_us(response_.get()); }
    std::vector<std::pair<std::string, std::string>> headers() const
    {
        std::vector<std::pair<std::string, std::string>> all;
        for (std::uint32_t i = 0; i < fhirstore_response_header_count(response_.get()); i++) {
            const char *name = nullptr;
            const char *value = nullptr;
            if (fhirstore_response_header(response_.get(), i, &name, &value) == FHIRSTORE_OK) {
                all.emplace_back(name, value);
            }
        }
        return all;
    }
    const fhirstore_response *get() const { return response_.get(); }

  private:
    detail::Owned<fhirstore_response, fhirstore_response_free> response_;
};

/** One match of a search. Views are good until the next step. */
struct Match {
    std::string_view type;
    std::string_view id;
    std::string_view body;
};

/** A cursor on a snapshot, for one range-based for. */
class Search
{
  public:
    Search(fhirstore_search *search, std::shared_ptr<fhirstore_session> session)
        : session_(std::move(session)), search_(search)
    {
    }
    /** Step; false at the end. */
    bool next()
    {
        detail::Reason reason;
        fhirstore_status status = detail::check(fhirstore_search_next(search_.get(), reason.out()), reason);
        if (status == FHIRSTORE_DONE) {
            return false;
        }
        std::size_t len = 0;
        const char *text = fhirstore_search_body(search_.get(), &len);
        match_.body = {text, len};
        text = fhirstore_search_type(search_.get(), &len);
        match_.type = {text, len};
        text = fhirstore_search_id(search_.get(), &len);
        match_.id = {text, len};
        return true;
    }
    const Match &match() const { return match_; }

    class iterator
    {
      public:
        explicit iterator(Search *search) : search_(search) {}
        const Match &operator*() const { return search_->match(); }
        iterator &operator++()
        {
            if (!search_->next()) {
                search_ = nullptr;
            }
            return *this;
        }
        bool operator!=(const iterator &other) const { return search_ != other.search_; }

      private:
        Search *search_;
    };
    iterator begin() { return iterator(next() ? this : nullptr); }
    iterator end() { return iterator(nullptr); }

  private:
    std::shared_ptr<fhirstore_session> session_;
    detail::Owned<fhirstore_search, fhirstore_search_close> search_;
    Match match_;
};

/** Somebody at work. One thread at a time. */
class Session
{
  public:
    using Headers = std::vector<std::pair<std::string, std::string>>;

    Response create(std::string_view type, std::string_view body)
    {
        return answer(fhirstore_create, type.data(), type.size(), body.data(), body.size());
    }
    Response create_if_none(std::string_view type, std::string_view criteria, std::string_view body)
    {
        return answer(fhirstore_create_if_none, type.data(), type.size(), criteria.data(), criteria.size(), body.data(),
                      body.size());
    }
    Response read(std::string_view type, std::string_view id)
    {
        return answer(fhirstore_read, type.data(), type.size(), id.data(), id.size());
    }
    Response vread(std::string_view type, std::string_view id, std::int64_t version)
    {
        return answer(fhirstore_vread, type.data(), type.size(), id.data(), id.size(), version);
    }
    /** With @a if_version only if that is the current one; 0: any. */
    Response update(std::string_view type, std::string_view id, std::string_view body, std::int64_t if_version = 0)
    {
        const fhirstore_write_options options = write_options(if_version);
        return answer(fhirstore_update, type.data(), type.size(), id.data(), id.size(), body.data(), body.size(),
                      &options);
    }
    Response remove(std::string_view type, std::string_view id, std::int64_t if_version = 0)
    {
        const fhirstore_write_options options = write_options(if_version);
        return answer(fhirstore_delete, type.data(), type.size(), id.data(), id.size(), &options);
    }
    Response history(std::string_view type, std::string_view id, std::string_view query = {})
    {
        return answer(fhirstore_history, type.data(), type.size(), id.data(), id.size(), query.data(), query.size());
    }
    Response page(std::string_view type, std::string_view query)
    {
        return answer(fhirstore_search_page, type.data(), type.size(), query.data(), query.size());
    }
    Search search(std::string_view type, std::string_view query)
    {
        detail::Reason reason;
        fhirstore_search *made = nullptr;
        detail::check(fhirstore_search_open(session_.get(), type.data(), type.size(), query.data(), query.size(), &made,
                                            reason.out()),
                      reason);
        return Search(made, session_);
    }
    std::int64_t count(std::string_view type, std::string_view query)
    {
        detail::Reason reason;
        std::int64_t found = 0;
        detail::check(fhirstore_search_count(session_.get(), type.data(), type.size(), query.data(), query.size(),
                                             &found, reason.out()),
                      reason);
        return found;
    }
    /** Any request of FHIR's REST API; an error of FHIR's is an answer. */
    Response request(std::string_view method, std::string_view url, std::string_view body = {},
                     const Headers &headers = {})
    {
        std::vector<fhirstore_header> list;
        for (const auto &[name, value] : headers) {
            list.push_back({name.data(), name.size(), value.data(), value.size()});
        }
        return answer(fhirstore_request, method.data(), method.size(), url.data(), url.size(), list.data(), list.size(),
                      body.data(), body.size());
    }
    /**
     * Destroy a patient's key and remove what belongs to that patient alone; a JSON object with "resources",
     * "versions", "stillNamedBy" and "tidy".
     */
    std::string shred(std::string_view id, bool later = false)
    {
        detail::Reason reason;
        fhirstore_buf told = {};
        fhirstore_status status = fhirstore_shred_patient(session_.get(), id.data(), id.size(),
                                                          later ? FHIRSTORE_SHRED_LATER : 0, &told, reason.out());
        std::string text(told.ptr == nullptr ? "" : told.ptr, told.len);
        fhirstore_buf_clear(&told);
        detail::check(status, reason);
        return text;
    }
    /**
     * Verify the store and make anew what can be made of what is stored: "area: text" of each finding, then "repaired: "
     * and what was mended, "left: " and what was not. Nothing if all is sound.
     */
    std::vector<std::string> repair()
    {
        std::vector<std::string> findings;
        detail::Reason reason;
        fhirstore_status status = fhirstore_repair(session_.get(), detail::take_finding, &findings, nullptr, reason.out());
        detail::rethrow();
        if (status != FHIRSTORE_ERR_CORRUPT) {
            detail::check(status, reason);
        }
        return findings;
    }
    /** Stop what it does; from any thread. */
    void cancel() { fhirstore_session_cancel(session_.get()); }
    fhirstore_session *get() const { return session_.get(); }

  private:
    friend class Store;
    explicit Session(std::shared_ptr<fhirstore_session> session) : session_(std::move(session)) {}

    static fhirstore_write_options write_options(std::int64_t if_version)
    {
        fhirstore_write_options options = FHIRSTORE_WRITE_OPTIONS_INIT;
        options.if_version = if_version;
        return options;
    }
    template <typename Function, typename... Arguments> Response answer(Function function, Arguments... arguments)
    {
        detail::Reason reason;
        fhirstore_response *response = nullptr;
        fhirstore_status status = function(session_.get(), arguments..., &response, reason.out());
        Response answered(response);
        detail::check(status, reason);
        return answered;
    }
    std::shared_ptr<fhirstore_session> session_;
};

/** One store. Any thread. */
class Store
{
  public:
    /** The answer of an authorizer. */
    struct Decision {
        bool allow = false;
        std::vector<std::string> within;  /**< searches of which one must fit; none: all */
        std::vector<std::string> besides; /**< what is hidden all the same */
        std::vector<std::string> hide;    /**< elements that are not shown */
        std::vector<std::string> keep;    /**< elements that are not changed */
    };
    using Authorizer = std::function<Decision(const fhirstore_access_request &)>;
    using AuditHook = std::function<void(const fhirstore_audit_event &)>;

    Store(std::string_view path, const Options &wanted) : clock_(wanted.clock_)
    {
        fhirstore_open_options options = FHIRSTORE_OPEN_OPTIONS_INIT;
        options.flags = wanted.flags_;
        options.fhir_version = wanted.version_;
        if (wanted.key_) {
            options.key = wanted.key_->data();
            options.key_len = wanted.key_->size();
        }
        if (wanted.has_passphrase_) {
            options.passphrase = wanted.passphrase_.data();
            options.passphrase_len = wanted.passphrase_.size();
        }
        if (!wanted.base_url_.empty()) {
            options.base_url = wanted.base_url_.data();
            options.base_url_len = wanted.base_url_.size();
        }
        if (clock_) {
            options.clock = tell_time;
            options.clock_ctx = clock_.get();
        }
        detail::Reason reason;
        fhirstore *made = nullptr;
        fhirstore_status status = fhirstore_open(path.data(), path.size(), &options, &made, reason.out());
        /* The clock is called until the last session has gone. */
        store_ = std::shared_ptr<fhirstore>(made, [clock = clock_](fhirstore *store) { fhirstore_close(store); });
        detail::check(status, reason);
    }

    Session session(const Principal &who)
    {
        fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
        options.flags = who.flags_;
        options.principal = who.name_.data();
        options.principal_len = who.name_.size();
        options.claims = who.claims_.empty() ? nullptr : who.claims_.data();
        options.claims_len = who.claims_.size();
        options.purpose = who.purpose_.data();
        options.purpose_len = who.purpose_.size();
        options.request_id = who.request_id_.data();
        options.request_id_len = who.request_id_.size();
        detail::Reason reason;
        fhirstore_session *made = nullptr;
        fhirstore_status status = fhirstore_session_open(store_.get(), &options, &made, reason.out());
        std::shared_ptr<fhirstore_session> held(
            made, [store = store_](fhirstore_session *session) { fhirstore_session_close(session); });
        detail::check(status, reason);
        return Session(std::move(held));
    }

    /** Roles and scopes; empty: the roles that come with the library. */
    void set_policy(std::string_view document = {})
    {
        detail::Reason reason;
        detail::check(fhirstore_set_policy(store_.get(), document.empty() ? nullptr : document.data(), document.size(),
                                           reason.out()),
                      reason);
    }

    void set_authorizer(Authorizer decide)
    {
        fhirstore_authorizer authorizer = {};
        authorizer.struct_size = sizeof authorizer;
        authorizer.ctx = new Authorizer(std::move(decide));
        authorizer.authorize = authorize;
        authorizer.destroy = [](void *ctx) { delete static_cast<Authorizer *>(ctx); };
        detail::Reason reason;
        detail::check(fhirstore_set_authorizer(store_.get(), &authorizer, reason.out()), reason);
    }

    void set_audit_hook(AuditHook record)
    {
        fhirstore_audit_hook hook = {};
        hook.struct_size = sizeof hook;
        hook.ctx = new AuditHook(std::move(record));
        hook.record = tell_hook;
        hook.destroy = [](void *ctx) { delete static_cast<AuditHook *>(ctx); };
        detail::Reason reason;
        detail::check(fhirstore_set_audit_hook(store_.get(), &hook, reason.out()), reason);
    }

    /** What is wrong, as "area: text"; nothing if all is sound. */
    std::vector<std::string> verify()
    {
        std::vector<std::string> findings;
        detail::Reason reason;
        fhirstore_status status = fhirstore_verify(store_.get(), detail::take_finding, &findings, nullptr, reason.out());
        detail::rethrow();
        if (findings.empty()) {
            detail::check(status, reason);
        }
        return findings;
    }
    fhirstore *get() const { return store_.get(); }

  private:
    static std::int64_t tell_time(void *ctx)
    {
        std::int64_t now = 0;
        (void)detail::guarded(
            [&] {
                now = (*static_cast<std::function<std::int64_t()> *>(ctx))();
                return FHIRSTORE_OK;
            },
            FHIRSTORE_OK);
        return now;
    }
    static fhirstore_status authorize(void *ctx, const fhirstore_access_request *request,
                                      fhirstore_access_decision *decision)
    {
        return detail::guarded(
            [&] { return give(decision, (*static_cast<Authorizer *>(ctx))(*request)); }, FHIRSTORE_ERR_DENIED);
    }
    static fhirstore_status give(fhirstore_access_decision *decision, const Decision &answer)
    {
        using Give = fhirstore_status (*)(fhirstore_access_decision *, const char *, std::size_t);
        const std::pair<const std::vector<std::string> *, Give> lists[] = {{&answer.within, fhirstore_access_restrict},
                                                                           {&answer.besides, fhirstore_access_except},
                                                                           {&answer.hide, fhirstore_access_hide},
                                                                           {&answer.keep, fhirstore_access_keep}};
        for (const auto &[texts, function] : lists) {
            for (const std::string &text : *texts) {
                if (fhirstore_status status = function(decision, text.data(), text.size()); status != FHIRSTORE_OK) {
                    return status;
                }
            }
        }
        decision->answer = !answer.allow            ? FHIRSTORE_ACCESS_DENY
                           : answer.within.empty() ? FHIRSTORE_ACCESS_ALLOW
                                                   : FHIRSTORE_ACCESS_RESTRICT;
        return FHIRSTORE_OK;
    }
    static fhirstore_status tell_hook(void *ctx, const fhirstore_audit_event *event)
    {
        return detail::guarded(
            [&] {
                (*static_cast<AuditHook *>(ctx))(*event);
                return FHIRSTORE_OK;
            },
            FHIRSTORE_ERR_AUDIT_REFUSED);
    }

    std::shared_ptr<std::function<std::int64_t()>> clock_;
    std::shared_ptr<fhirstore> store_;
};

} // namespace fhir

#endif
