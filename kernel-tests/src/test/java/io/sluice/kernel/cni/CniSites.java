package io.sluice.kernel.cni;

import io.sluice.kernel.Mechanism;
import java.util.EnumMap;
import java.util.Map;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * A node under each mechanism, for all tests that ask for it: opened by the first one and closed
 * after the last. Each test leaves it without pods, and has {@code @ResourceLock(CniSites.LOCK)}
 * and {@code @ExtendWith(CniSites.Shared.class)}.
 */
final class CniSites implements AutoCloseable {
  static final String LOCK = "shared CNI sites";

  private final Map<Mechanism, CniSite> opened = new EnumMap<>(Mechanism.class);

  private CniSites() {}

  /** Its daemon runs, and its plugin is chained. */
  CniSite of(Mechanism mechanism) {
    CniSite site = opened.computeIfAbsent(mechanism, CniSite::new);
    site.reviveDaemon();
    return site;
  }

  @Override
  public void close() {
    opened.values().forEach(CniSite::close);
  }

  /** Gives them to who has a parameter of this type. */
  static final class Shared implements ParameterResolver {
    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
      return parameter.getParameter().getType() == CniSites.class;
    }

    @Override
    public CniSites resolveParameter(ParameterContext parameter, ExtensionContext context) {
      return context
          .getRoot()
          .getStore(ExtensionContext.Namespace.create(CniSites.class))
          .getOrComputeIfAbsent(CniSites.class, _ -> new CniSites(), CniSites.class);
    }
  }
}
