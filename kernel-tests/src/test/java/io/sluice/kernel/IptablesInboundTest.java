package io.sluice.kernel;

import org.junit.jupiter.api.Tag;

@Tag("kernel")
class IptablesInboundTest extends InboundContract {
  IptablesInboundTest() {
    super(Mechanism.IPTABLES);
  }
}
