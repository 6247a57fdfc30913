package io.sluice.node.store;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Which mesh a snapshot is of, as far as a node knows: so that what one mesh left on the disk is
 * never in force in another. Roots change over the years and stay the same mesh while one of them
 * is shared; the id, where there is one, tells more: a mesh that was installed anew with the roots
 * of the one before is another.
 *
 * @param id as the ConfigMap of the roots has it; empty where there is none
 * @param trustDomain empty where it is not known yet
 * @param roots SHA-256 of each trusted root, in lower-case hexadecimal digits; empty where none is
 *     known yet
 */
public record MeshMark(String id, String trustDomain, Set<String> roots) {
  /** Of what was saved before there were marks, and of a node that was never admitted. */
  public static final MeshMark UNKNOWN = new MeshMark("", "", Set.of());

  /** Longest id that is taken. */
  public static final int LONGEST_ID = 128;

  /** Longer than any: two names and as many roots as a bundle has. */
  static final int LONGEST_TEXT = 4_096;

  private static final String ID = "id=";
  private static final String DOMAIN = "domain=";
  private static final String ROOT = "root=";

  public MeshMark {
    roots = Collections.unmodifiableSet(new TreeSet<>(roots));
  }

  /**
   * Whether both may be of one mesh. What is not known on either side says nothing: a node of one
   * release goes on with what it kept by the release before.
   */
  public boolean mayBe(MeshMark other) {
    if (!id.isEmpty() && !other.id.isEmpty()) {
      return id.equals(other.id);
    }
    if (!trustDomain.isEmpty()
        && !other.trustDomain.isEmpty()
        && !trustDomain.equals(other.trustDomain)) {
      return false;
    }
    return roots.isEmpty() || other.roots.isEmpty() || !Collections.disjoint(roots, other.roots);
  }

  /** One line for each thing that is known. */
  String text() {
    List<String> lines = new ArrayList<>();
    if (!id.isEmpty()) {
      lines.add(ID + id);
    }
    if (!trustDomain.isEmpty()) {
      lines.add(DOMAIN + trustDomain);
    }
    roots.forEach(one -> lines.add(ROOT + one));
    return String.join("\n", lines);
  }

  /** Reads it back; lines of releases to come are passed over. */
  static MeshMark parse(String text) {
    String id = "";
    String domain = "";
    Set<String> roots = new TreeSet<>();
    for (String line : text.lines().toList()) {
      if (line.startsWith(ID)) {
        id = line.substring(ID.length());
      } else if (line.startsWith(DOMAIN)) {
        domain = line.substring(DOMAIN.length());
      } else if (line.startsWith(ROOT)) {
        roots.add(line.substring(ROOT.length()));
      }
    }
    return new MeshMark(id, domain, roots);
  }

  /** For people: the id or the domain, and the beginnings of the roots' fingerprints. */
  @Override
  public String toString() {
    return (id.isEmpty() ? "" : "id " + id + ", ")
        + (trustDomain.isEmpty() ? "" : "trust domain " + trustDomain + ", ")
        + "roots "
        + roots.stream().map(MeshMark::beginning).toList();
  }

  private static String beginning(String fingerprint) {
    return fingerprint.substring(0, Math.min(16, fingerprint.length()));
  }
}
