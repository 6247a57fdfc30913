package io.sluice.mesh;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/** Which known word was meant by one that is not known. Stateless. */
public final class Spelling {
  /** Of what people type; more is no slip of the finger. */
  private static final int LONGEST = 80;

  private Spelling() {}

  /**
   * The word of {@code known} that {@code written} is a slip away from: at most a third of its
   * letters wrong, missing, too many or swapped with a neighbour; capital or not does not matter.
   * Of several the nearest, then the first.
   */
  public static Optional<String> nearest(String written, Collection<String> known) {
    if (written.length() > LONGEST) {
      return Optional.empty();
    }
    int most = Math.max(1, written.length() / 3);
    return known.stream()
        .filter(word -> Math.abs(word.length() - written.length()) <= most)
        .filter(word -> distance(written, word) <= most)
        .min(
            Comparator.<String>comparingInt(word -> distance(written, word))
                .thenComparing(Comparator.naturalOrder()));
  }

  /** {@code "; did you mean 'TrafficTarget'?"}, or nothing where no known word is near. */
  public static String hint(String written, Collection<String> known) {
    return nearest(written, known).map(word -> "; did you mean '" + word + "'?").orElse("");
  }

  /** Letters to change, add, drop or swap (Damerau, Levenshtein). */
  private static int distance(String one, String other) {
    String a = one.toLowerCase(Locale.ROOT);
    String b = other.toLowerCase(Locale.ROOT);
    int[][] costs = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        costs[i][j] = i == 0 || j == 0 ? i + j : cost(a, b, i, j, costs);
      }
    }
    return costs[a.length()][b.length()];
  }

  private static int cost(String a, String b, int i, int j, int[][] costs) {
    int changed = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
    int least =
        Math.min(costs[i - 1][j - 1] + changed, Math.min(costs[i - 1][j], costs[i][j - 1]) + 1);
    boolean areSwapped =
        i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1);
    return areSwapped ? Math.min(least, costs[i - 2][j - 2] + 1) : least;
  }
}
