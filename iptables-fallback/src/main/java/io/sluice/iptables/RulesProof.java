package io.sluice.iptables;

import io.sluice.mesh.Sha256;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What tells, without a process, that the rules in a namespace are those that would be written
 * there: the same were wanted, and nobody has changed a rule since they were found whole. It
 * outlives its daemon in a file of root's.
 *
 * @param generation of the rule set when they were whole, as {@link RulesetGeneration} tells it
 * @param wanted digest of the rules asked for, of {@link PodRedirection#digest}
 * @param present digest of what iptables-save printed of them, of {@link
 *     PodRedirection#presentDigest}
 */
public record RulesProof(int generation, String wanted, String present) {
  private static final Pattern DIGEST = Pattern.compile("[0-9a-f]{64}");

  public RulesProof {
    if (!DIGEST.matcher(wanted).matches() || !DIGEST.matcher(present).matches()) {
      throw new IllegalArgumentException("a digest of rules has 64 hexadecimal digits");
    }
  }

  /** As {@link #lines} wrote it; empty for anything else. */
  public static Optional<RulesProof> parse(List<String> lines) {
    if (lines.size() != 3) {
      return Optional.empty();
    }
    try {
      return Optional.of(
          new RulesProof(Integer.parseInt(lines.get(0)), lines.get(1), lines.get(2)));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /** Three lines of text. */
  public List<String> lines() {
    return List.of(Integer.toString(generation), wanted, present);
  }

  static String digest(String text) {
    return Sha256.hex(text.getBytes(StandardCharsets.UTF_8));
  }
}
