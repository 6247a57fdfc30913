package io.sluice.kernel;

import org.junit.jupiter.api.Tag;

@Tag("kernel")
class SplitInboundTest extends InboundContract {
  SplitInboundTest() {
    super(Mechanism.SPLIT);
  }
}
