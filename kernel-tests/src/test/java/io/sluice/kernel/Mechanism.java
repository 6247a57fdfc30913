package io.sluice.kernel;

/** How traffic is intercepted; the contract is the same for each. */
enum Mechanism {
  EBPF("ebpf");

  private final String mode;

  Mechanism(String mode) {
    this.mode = mode;
  }

  /** Value of {@code --mode}. */
  String mode() {
    return mode;
  }
}
