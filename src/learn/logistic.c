/*
 * logistic.c
 *		Penalised logistic regression over rows of codes, by Newton's method.
 *
 * What is maximised: the log-likelihood, less half of ridge * |w|^2 over all columns but the intercept, less half of
 * smooth * (w[k] - w[k-1])^2 over columns that are neighbouring ranges of one number. The ridge makes the maximum unique and finite,
 * also where an attribute tells the outcomes apart without error; the smoothing lets ranges be narrow without learning noise.
 *
 * No PostgreSQL here.
 */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "learn/logistic.h"

#define MAX_STEPS 60
#define MAX_HALVINGS 30
#define NEAR 1e-4				/* steps so short that rounding may hide what they gain */
#define ROWS_A_BREATH 65536
#define INTERCEPT_RIDGE 1e-9	/* keeps the matrix positive where rounding would not */

static inline bool
takes_part(LeadcrmPart part, int row)
{
	return part.folds == 0 || row % part.folds != part.left_out;
}

/*
 * leadcrm_sigmoid
 *		The probability that log-odds stand for; never overflows.
 */
double
leadcrm_sigmoid(double z)
{
	double		e;

	if (z >= 0)
		return 1 / (1 + exp(-z));
	e = exp(z);
	return e / (1 + e);
}

/* log(1 + exp(z)) */
static inline double
softplus(double z)
{
	return z > 0 ? z + log1p(exp(-z)) : log1p(exp(z));
}

/*
 * leadcrm_logistic_score
 *		The log-odds of a row under the weights of all columns.
 */
double
leadcrm_logistic_score(const LeadcrmDesign *design, int row, const double *weight)
{
	const uint16_t *column = design->column + (size_t) row * design->features;
	double		z = weight[0];

	for (int i = 0; i < design->features; i++)
		z += weight[column[i]];
	return z;
}

static double
row_loss(const LeadcrmDesign *design, int row, const double *weight)
{
	double		z = leadcrm_logistic_score(design, row, weight);

	return softplus(design->outcome[row] ? -z : z);
}

/*
 * leadcrm_logistic_deviance
 *		Minus the log-likelihood of the rows that the part leaves out; of all rows where it leaves none out.
 */
double
leadcrm_logistic_deviance(const LeadcrmDesign *design, LeadcrmPart part, const double *weight)
{
	double		sum = 0;

	for (int row = 0; row < design->rows; row++)
		if (part.folds == 0 || !takes_part(part, row))
			sum += row_loss(design, row, weight);
	return sum;
}

static double
penalty(const LeadcrmDesign *design, double ridge, double smooth, const double *w)
{
	double		sum = INTERCEPT_RIDGE * w[0] * w[0];

	for (int k = 1; k < design->columns; k++)
	{
		sum += ridge * w[k] * w[k];
		if (design->follows[k])
			sum += smooth * (w[k] - w[k - 1]) * (w[k] - w[k - 1]);
	}
	return sum / 2;
}

static double
objective(const LeadcrmDesign *design, LeadcrmPart part, double ridge, double smooth, const double *weight)
{
	double		sum = penalty(design, ridge, smooth, weight);

	for (int row = 0; row < design->rows; row++)
		if (takes_part(part, row))
			sum += row_loss(design, row, weight);
	return sum;
}

/* Adds the penalty's part to the gradient and, where given, to the lower triangle of the Hessian. */
static void
add_penalty(const LeadcrmDesign *design, double ridge, double smooth, const double *w, double *gradient, double *hessian)
{
	size_t		d = design->columns;

	gradient[0] += INTERCEPT_RIDGE * w[0];
	for (size_t k = 1; k < d; k++)
	{
		gradient[k] += ridge * w[k];
		if (design->follows[k])
		{
			double		pull = smooth * (w[k] - w[k - 1]);

			gradient[k] += pull;
			gradient[k - 1] -= pull;
		}
	}
	if (hessian == NULL)
		return;
	hessian[0] += INTERCEPT_RIDGE;
	for (size_t k = 1; k < d; k++)
	{
		hessian[k * d + k] += ridge;
		if (design->follows[k])
		{
			hessian[k * d + k] += smooth;
			hessian[(k - 1) * d + k - 1] += smooth;
			hessian[k * d + k - 1] -= smooth;
		}
	}
}

/*
 * leadcrm_logistic_gradient
 *		What is minimised (minus the penalised log-likelihood), and its gradient over all columns, which the caller gives room for.
 */
double
leadcrm_logistic_gradient(const LeadcrmDesign *design, LeadcrmPart part, double ridge, double smooth,
						  const double *weight, double *gradient)
{
	memset(gradient, 0, sizeof(double) * design->columns);
	for (int row = 0; row < design->rows; row++)
	{
		const uint16_t *column = design->column + (size_t) row * design->features;
		double		error;

		if (!takes_part(part, row))
			continue;
		error = leadcrm_sigmoid(leadcrm_logistic_score(design, row, weight)) - (design->outcome[row] ? 1 : 0);
		gradient[0] += error;
		for (int i = 0; i < design->features; i++)
			gradient[column[i]] += error;
	}
	add_penalty(design, ridge, smooth, weight, gradient, NULL);
	return objective(design, part, ridge, smooth, weight);
}

/* Gradient and the lower triangle of the Hessian, in one pass over the rows. */
static void
derivatives(const LeadcrmLearnEnv *env, const LeadcrmDesign *design, LeadcrmPart part, double ridge, double smooth,
			const double *weight, double *gradient, double *hessian)
{
	size_t		d = design->columns;

	memset(gradient, 0, sizeof(double) * d);
	memset(hessian, 0, sizeof(double) * d * d);
	for (int row = 0; row < design->rows; row++)
	{
		const uint16_t *column = design->column + (size_t) row * design->features;
		double		p;
		double		error;
		double		q;

		if (row % ROWS_A_BREATH == 0 && env->breathe)
			env->breathe();
		if (!takes_part(part, row))
			continue;
		p = leadcrm_sigmoid(leadcrm_logistic_score(design, row, weight));
		error = p - (design->outcome[row] ? 1 : 0);
		q = p * (1 - p);
		gradient[0] += error;
		hessian[0] += q;
		for (int i = 0; i < design->features; i++)
		{
			double	   *line = hessian + column[i] * d;

			gradient[column[i]] += error;
			line[0] += q;
			for (int j = 0; j <= i; j++)
				line[column[j]] += q;
		}
	}
	add_penalty(design, ridge, smooth, weight, gradient, hessian);
}

/* In four sums side by side, so that no addition waits for the one before it. */
static inline double
dot(const double *a, const double *b, size_t n)
{
	double		sum[4] = {0, 0, 0, 0};
	size_t		k = 0;

	for (; k + 4 <= n; k += 4)
		for (size_t i = 0; i < 4; i++)
			sum[i] += a[k + i] * b[k + i];
	for (; k < n; k++)
		sum[0] += a[k] * b[k];
	return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* The Cholesky factor of a symmetric matrix, in place of its lower triangle; false where it is not positive definite. */
static bool
factorise(const LeadcrmLearnEnv *env, double *a, size_t d)
{
	for (size_t i = 0; i < d; i++)
	{
		double	   *line = a + i * d;
		double		rest;

		if (i % 64 == 0 && env->breathe)
			env->breathe();
		for (size_t j = 0; j < i; j++)
			line[j] = (line[j] - dot(line, a + j * d, j)) / a[j * d + j];
		rest = line[i] - dot(line, line, i);
		if (!(rest > 0))
			return false;
		line[i] = sqrt(rest);
	}
	return true;
}

/* Solves a x = b in place of b, a being given by its factor. b is 0 before the place from. */
static void
solve(const double *factor, double *b, size_t d, size_t from)
{
	for (size_t i = from; i < d; i++)
		b[i] = (b[i] - dot(factor + i * d + from, b + from, i - from)) / factor[i * d + i];
	for (size_t i = d; i-- > 0;)
	{
		b[i] /= factor[i * d + i];
		for (size_t k = 0; k < i; k++)
			b[k] -= factor[i * d + k] * b[i];
	}
}

/*
 * leadcrm_logistic_covariance
 *		The covariances of the weights at what logistic_fit() has found: the inverse of the second derivatives, columns * columns, for which
 *		the caller gives room. False where rounding leaves none.
 */
bool
leadcrm_logistic_covariance(const LeadcrmLearnEnv *env, const LeadcrmDesign *design, LeadcrmPart part,
							double ridge, double smooth, const double *weight, double *covariance)
{
	size_t		d = design->columns;
	double	   *gradient = env->allocate(sizeof(double) * d);
	double	   *factor = env->allocate(sizeof(double) * d * d);

	derivatives(env, design, part, ridge, smooth, weight, gradient, factor);
	if (!factorise(env, factor, d))
		return false;
	memset(covariance, 0, sizeof(double) * d * d);
	for (size_t i = 0; i < d; i++)
	{
		if (i % 64 == 0 && env->breathe)
			env->breathe();
		covariance[i * d + i] = 1;
		solve(factor, covariance + i * d, d, i);
	}
	return true;
}

/*
 * leadcrm_logistic_fit
 *		Finds the weights of all columns that maximise the penalised likelihood of the rows that take part, from those that stand in
 *		weight, until no weight moves by small_step. ridge must be above 0. False where rounding leaves no way down; the weights are then the best that were found.
 */
bool
leadcrm_logistic_fit(const LeadcrmLearnEnv *env, const LeadcrmDesign *design, LeadcrmPart part,
					 double ridge, double smooth, double small_step, double *weight)
{
	size_t		d = design->columns;
	double	   *step = env->allocate(sizeof(double) * d);
	double	   *trial = env->allocate(sizeof(double) * d);
	double	   *hessian = env->allocate(sizeof(double) * d * d);
	double		here = objective(design, part, ridge, smooth, weight);

	for (int n = 0; n < MAX_STEPS; n++)
	{
		double		share = 1;
		double		largest = 0;
		int			halvings = 0;

		derivatives(env, design, part, ridge, smooth, weight, step, hessian);
		if (!factorise(env, hessian, d))
			return false;
		solve(hessian, step, d, 0);
		for (size_t k = 0; k < d; k++)
			largest = fmax(largest, fabs(step[k]));
		for (;;)
		{
			double		there;

			for (size_t k = 0; k < d; k++)
				trial[k] = weight[k] - share * step[k];
			there = objective(design, part, ridge, smooth, trial);
			if (there <= here)
			{
				/* there: or no lower, as far as rounding lets one see */
				bool		arrived = largest < small_step || (there == here && largest < NEAR);

				memcpy(weight, trial, sizeof(double) * d);
				here = there;
				if (arrived)
					return true;
				break;
			}
			/* so near to the bottom that only rounding says it is uphill */
			if (++halvings > MAX_HALVINGS)
				return largest < fmax(NEAR, small_step);
			share /= 2;
		}
	}
	return false;
}
