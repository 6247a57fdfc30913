package io.sluice.kernel;

import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Gives every test that asks for it the same shop, opened by the first one and closed after the
 * last: node a intercepts with programs, node b with rules. For tests of which the mechanism is not
 * the matter; each leaves it as it was, and has {@code @ResourceLock(SharedShop.LOCK)}.
 */
final class SharedShop implements ParameterResolver {
  static final String LOCK = "shared shop";

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == TwoNodes.class;
  }

  @Override
  public TwoNodes resolveParameter(ParameterContext parameter, ExtensionContext context) {
    return context
        .getRoot()
        .getStore(ExtensionContext.Namespace.create(SharedShop.class))
        .getOrComputeIfAbsent(
            TwoNodes.class, _ -> TwoNodes.openMixed("--keep-keys"), TwoNodes.class);
  }
}
