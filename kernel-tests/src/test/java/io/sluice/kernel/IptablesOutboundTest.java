package io.sluice.kernel;

import org.junit.jupiter.api.Tag;

@Tag("kernel")
class IptablesOutboundTest extends OutboundContract {
  IptablesOutboundTest() {
    super(Mechanism.IPTABLES);
  }
}
