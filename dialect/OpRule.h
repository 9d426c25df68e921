// SPDX-License-Identifier: Apache-2.0
//
// Op interfaces of one function, whose implementations are lent to ops from outside of the dialect: how the interpreter
// evaluates an op, what it costs, what code it becomes. The rules of one kind stand side by side in a file; an op of
// another dialect gets its own where that dialect is registered.
#pragma once

#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OpDefinition.h"

namespace incept {

namespace detail {
/// What mlir::OpInterface wants to know of an interface.
template <typename Rule, typename Result, typename... Args>
struct OpRuleTraits {
  struct Concept {
    Result (*apply)(mlir::Operation *, Args...);
  };
  /// Of an op that has the interface from the start: there is none.
  template <typename OpTy>
  struct Model;
  template <typename External>
  struct FallbackModel : Concept {
    using Interface = Rule;
    FallbackModel() : Concept{&External::apply} {}
  };
  template <typename External, typename OpTy>
  struct ExternalModel : FallbackModel<External> {
    using ConcreteEntity = OpTy;
  };
};
} // namespace detail

/// The base of an interface `Rule`, which may be asked for with dyn_cast and called like a function. Arguments are
/// those of `Signature`; the op itself comes first in the functions that are attached.
template <typename Rule, typename Signature>
class OpRule;

template <typename Rule, typename Result, typename... Args>
class OpRule<Rule, Result(Args...)> : public mlir::OpInterface<Rule, detail::OpRuleTraits<Rule, Result, Args...>> {
public:
  using mlir::OpInterface<Rule, detail::OpRuleTraits<Rule, Result, Args...>>::OpInterface;

  Result operator()(Args... args) { return this->getImpl()->apply(this->getOperation(), std::forward<Args>(args)...); }

  /// Lends ops of class OpTy the rule `function`, which takes the op by its class. It may return void for success.
  template <typename OpTy, auto function>
  static void attach(mlir::MLIRContext *context) {
    OpTy::template attachInterface<Lent<OpTy, function>>(*context);
  }

  /// The same of several classes, for a function that takes them all.
  template <auto function, typename... Ops>
  static void attachAll(mlir::MLIRContext *context) {
    (attach<Ops, function>(context), ...);
  }

private:
  template <typename OpTy, auto function>
  struct Lent : detail::OpRuleTraits<Rule, Result, Args...>::template ExternalModel<Lent<OpTy, function>, OpTy> {
    static Result apply(mlir::Operation *op, Args... args) {
      if constexpr (std::is_same_v<Result, decltype(function(llvm::cast<OpTy>(op), std::forward<Args>(args)...))>) {
        return function(llvm::cast<OpTy>(op), std::forward<Args>(args)...);
      } else {
        function(llvm::cast<OpTy>(op), std::forward<Args>(args)...);
        return mlir::success();
      }
    }
  };
};

} // namespace incept
