package io.sluice.kernel;

import org.junit.jupiter.api.Tag;

@Tag("kernel")
class IptablesMutualTlsTest extends MutualTlsContract {
  IptablesMutualTlsTest() {
    super(Mechanism.IPTABLES);
  }
}
