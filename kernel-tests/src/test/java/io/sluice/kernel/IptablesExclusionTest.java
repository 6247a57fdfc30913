package io.sluice.kernel;

import org.junit.jupiter.api.Tag;

@Tag("kernel")
class IptablesExclusionTest extends ExclusionContract {
  IptablesExclusionTest() {
    super(Mechanism.IPTABLES);
  }
}
