package io.sluice.kernel;

import org.junit.jupiter.api.Tag;

@Tag("kernel")
class SplitOutboundTest extends OutboundContract {
  SplitOutboundTest() {
    super(Mechanism.SPLIT);
  }
}
