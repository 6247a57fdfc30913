package io.sluice.kernel;

import org.junit.jupiter.api.Tag;

@Tag("kernel")
class IptablesOtherProtocolsTest extends OtherProtocolsContract {
  IptablesOtherProtocolsTest() {
    super(Mechanism.IPTABLES);
  }
}
