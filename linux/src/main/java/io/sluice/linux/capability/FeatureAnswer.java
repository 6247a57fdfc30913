package io.sluice.linux.capability;

/**
 * The kernel's answer to one attempt.
 *
 * @param reason empty when supported; else what was tried and how the kernel refused
 */
public record FeatureAnswer(KernelFeature feature, boolean isSupported, String reason) {}
