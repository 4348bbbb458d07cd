/** RSA keys that a flawed generator made, so that their private half can be computed (CVE-2017-15361, "ROCA"). */

/** The odd primes below 168: such a modulus lies in the group of the powers of 65537 for every one of them. */
const primes = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113,
  127, 131, 137, 139, 149, 151, 157, 163, 167,
]

/** For each prime, the powers of 65537: what a flawed modulus leaves when it is divided by it. */
const remainders = primes.map((prime) => {
  const powers = new Set<number>()
  for (let power = 1; !powers.has(power); power = (power * (65537 % prime)) % prime) powers.add(power)
  return { prime: BigInt(prime), powers }
})

/**
 * True for a modulus with the fingerprint of that generator. One in about 2^27 other keys has it by chance. Most keys are told from it by
 * the first few primes.
 */
export function isRocaModulus(modulus: Buffer): boolean {
  const number = BigInt(`0x0${modulus.toString('hex')}`)
  return remainders.every(({ prime, powers }) => powers.has(Number(number % prime)))
}
