package io.sluice.kernel;

import org.junit.jupiter.api.Tag;

@Tag("kernel")
class IptablesPolicyTest extends PolicyContract {
  IptablesPolicyTest() {
    super(Mechanism.IPTABLES);
  }
}
