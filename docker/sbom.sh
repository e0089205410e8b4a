#!/bin/sh
# Prints what an image is made of, as CycloneDX 1.6 JSON: weightinit, and each of Debian's
# packages that is installed. The same for the same packages: it has no date and no number.
#
# usage: sbom.sh VERSION
set -eu

. /etc/os-release
# shellcheck disable=SC2016  # The placeholders are dpkg's.
dpkg-query -W -f '${db:Status-Abbrev}\t${Package}\t${Version}\t${Architecture}\t${source:Package}\n' |
  LC_ALL=C sort |
  awk -F '\t' -v version="$1" -v distribution="$ID-$VERSION_ID" -v vendor="$ID" '
    # In a package URL, of what versions have, these are written as numbers.
    function encoded(text) {
      gsub(/%/, "%25", text)
      gsub(/\+/, "%2B", text)
      gsub(/:/, "%3A", text)
      return text
    }
    BEGIN {
      print "{\"bomFormat\": \"CycloneDX\", \"specVersion\": \"1.6\", \"version\": 1,"
      print " \"metadata\": {\"component\": {\"type\": \"application\", \"bom-ref\": \"weightinit\","
      print "  \"name\": \"weightinit\", \"version\": \"" version "\","
      print "  \"licenses\": [{\"license\": {\"id\": \"Apache-2.0\"}}]}},"
      printf " \"components\": ["
    }
    $1 == "ii " {
      url = "pkg:deb/" vendor "/" encoded($2) "@" encoded($3) "?arch=" $4 "&distro=" distribution
      printf "%s\n  {\"type\": \"library\", \"bom-ref\": \"%s\", \"name\": \"%s\", \"version\": \"%s\", " \
             "\"purl\": \"%s\", \"properties\": [{\"name\": \"debian:source\", \"value\": \"%s\"}]}",
             separator, url, $2, $3, url, $5
      separator = ","
    }
    END { print "\n]}" }'
